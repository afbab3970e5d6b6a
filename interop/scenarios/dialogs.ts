/** Requests of a dialog that come at the wrong moment, with the wrong tag or branch, from a new place; by hand, over UDP and TCP. */
import { check, type Lab, sleep, until } from '../lab.ts';
import {
  headerOf,
  isResponse,
  offerText,
  openRawPeer,
  type RawPeer,
  type RequestParts,
  requestText,
  responseText,
  statusOf,
  toTagOf,
} from '../raw-peer.ts';
import { type Ringback, startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';

type Transport = 'udp' | 'tcp';

/** A caller that has sent its INVITE, and what its later requests have in common. */
interface Caller {
  readonly ringback: Ringback;
  readonly peer: RawPeer;
  readonly parts: { readonly callId: string; readonly target: number };
  send(method: string, cseq: number, rest?: Partial<RequestParts>): void;
  /** The response to that CSeq of ours, whatever it says; 1xx does not count. */
  final(cseq: string): Promise<string>;
}

async function call(lab: Lab, transport: Transport, args: readonly string[] = []): Promise<Caller> {
  const ringback = await startRingback(lab, args);
  const peer = await openRawPeer(lab, transport, ringback.port);
  const parts = { callId: 'dialog', target: ringback.port };
  peer.send(requestText(peer, 'INVITE', { ...parts, body: offerText(7_000) }));
  return {
    ringback,
    peer,
    parts,
    send: (method, cseq, rest = {}) => peer.send(requestText(peer, method, { ...parts, cseq, ...rest })),
    final: (cseq) =>
      peer.wait(`an answer to ${cseq}`, (one) => statusOf(one) >= 200 && headerOf(one, 'CSeq') === cseq),
  };
}

/** The branch of an INVITE of ours: its CANCEL and the ACK to its refusal carry it too (§9.1, §17.1.1.3). */
const branchOf = (cseq: number) => `z9hG4bK-dialog-INVITE-${cseq}`;

async function hangUp({ ringback, send, final }: Caller, cseq: number, toTag: string): Promise<void> {
  send('BYE', cseq, { toTag });
  check(statusOf(await final(`${cseq} BYE`)) === 200, 'no 200 to BYE');
  await ringback.stop();
}

/** §14.2: an INVITE while one is being answered gets 500 with Retry-After; an offer while ours is open gets 491. */
async function overlapping(lab: Lab, transport: Transport): Promise<void> {
  const caller = await call(lab, transport, ['--answer-delay', '1']);
  const { peer, send, final } = caller;
  const toTag = toTagOf(await peer.wait('180', isResponse(180, '1 INVITE')));
  send('INVITE', 2, { toTag, body: offerText(7_002) });
  const early = await final('2 INVITE');
  check(statusOf(early) === 500, `an overlapping INVITE got ${early.split('\r\n')[0]}, 500 is due`);
  const again = Number(headerOf(early, 'Retry-After') || Number.NaN);
  check(again >= 0 && again <= 10, `Retry-After: ${headerOf(early, 'Retry-After')}; 0 to 10 is due`);
  send('ACK', 2, { toTag, branch: branchOf(2) });
  check(statusOf(await final('1 INVITE')) === 200, 'the first INVITE was not answered with 200');
  send('ACK', 1, { toTag });
  // Without an offer: ours is in the 200, and open until our ACK.
  send('INVITE', 3, { toTag });
  check((await final('3 INVITE')).includes('m=audio '), 'no offer in the 200');
  send('UPDATE', 4, { toTag, body: offerText(7_004) });
  const glare = await final('4 UPDATE');
  check(statusOf(glare) === 491, `an offer across ours got ${glare.split('\r\n')[0]}, 491 is due`);
  send('INVITE', 5, { toTag, body: offerText(7_004) });
  const crossed = await final('5 INVITE');
  check(statusOf(crossed) === 491, `an INVITE across ours got ${crossed.split('\r\n')[0]}, 491 is due`);
  send('ACK', 5, { toTag, branch: branchOf(5) });
  send('ACK', 3, { toTag, body: offerText(7_002) });
  await hangUp(caller, 6, toTag);
}

/** §15: the caller may say BYE before the ACK; nothing is sent after it, neither the 200 again nor a BYE of ours. */
async function byeBeforeAck(lab: Lab, transport: Transport): Promise<void> {
  const { ringback, peer, send, final } = await call(lab, transport);
  const toTag = toTagOf(await final('1 INVITE'));
  send('BYE', 2, { toTag });
  check(statusOf(await final('2 BYE')) === 200, 'no 200 to BYE');
  await ringback.wait('call.changed', ({ to }) => to === 'terminated');
  const before = peer.received.length;
  await sleep(1_200);
  const late = peer.received.slice(before).map((one) => one.split('\r\n')[0]);
  check(late.length === 0, `after the 200 to BYE came ${late.join(', ')}`);
  await ringback.stop();
}

/** §9.2: a CANCEL means the INVITE of its branch; another gets 481, and the call rings on. */
async function cancelElsewhere(lab: Lab, transport: Transport): Promise<void> {
  const caller = await call(lab, transport, ['--answer-delay', '1']);
  const { peer, send, final } = caller;
  await peer.wait('180', isResponse(180, '1 INVITE'));
  send('CANCEL', 1, { branch: 'z9hG4bK-of-nothing' });
  const refused = await final('1 CANCEL');
  check(statusOf(refused) === 481, `CANCEL got ${refused.split('\r\n')[0]}, 481 is due`);
  const answer = await final('1 INVITE');
  check(statusOf(answer) === 200, `the INVITE got ${answer.split('\r\n')[0]}, 200 is due`);
  send('ACK', 1, { toTag: toTagOf(answer) });
  await caller.ringback.wait('call.changed', ({ to }) => to === 'established');
  await hangUp(caller, 2, toTagOf(answer));
}

/** An ACK with a tag of nobody acknowledges nothing; one with a body that nobody asked for does (§13.3.1.4). */
async function acknowledgements(lab: Lab, transport: Transport): Promise<void> {
  const caller = await call(lab, transport);
  const { ringback, peer, send, final } = caller;
  const toTag = toTagOf(await final('1 INVITE'));
  const oks = () => peer.received.filter(isResponse(200, '1 INVITE')).length;
  send('ACK', 1, { toTag: 'of-nobody' });
  send('ACK', 9, { toTag });
  await until('the 200 again', () => oks() >= 2);
  const states = ringback.all('call.changed').map(({ to }) => to);
  check(!states.includes('established'), 'an ACK with a wrong tag, or a wrong CSeq, established the call');
  send('ACK', 1, { toTag, body: offerText(7_008) });
  await ringback.wait('call.changed', ({ to }) => to === 'established');
  const before = oks();
  await sleep(1_200);
  check(oks() === before, 'the 200 came again after its ACK');
  const [media] = ringback.all('media.started');
  check(media?.remotePort !== 7_008, 'the body of the ACK moved the audio, but the offer was the INVITE');
  await hangUp(caller, 2, toTag);
}

/** §12.2.2: the Contact of a re-INVITE is where our requests go from then on. */
async function targetRefresh(lab: Lab, transport: Transport): Promise<void> {
  const { ringback, peer, parts, send, final } = await call(lab, transport);
  const toTag = toTagOf(await final('1 INVITE'));
  send('ACK', 1, { toTag });
  const moved = await openRawPeer(lab, transport, ringback.port);
  const invite = requestText(peer, 'INVITE', { ...parts, cseq: 2, toTag, body: offerText(7_000) });
  peer.send(
    invite.replace(/^Contact:.*$/m, `Contact: <sip:moved@127.0.0.1:${moved.port};transport=${transport}>`),
  );
  check(statusOf(await final('2 INVITE')) === 200, 'the re-INVITE was not answered with 200');
  send('ACK', 2, { toTag });
  const { call: handle } = await ringback.wait('call.changed', ({ to }) => to === 'established');
  ringback.say(`hangup ${handle}`);
  // A dialog on a stream keeps its stream: there the Request-URI alone has moved.
  const at = transport === 'udp' ? moved : peer;
  const bye = await at.wait('BYE', (one) => one.startsWith('BYE '));
  check(bye.startsWith(`BYE sip:moved@127.0.0.1:${moved.port}`), `BYE goes to ${bye.split('\r\n')[0]}`);
  at.send(responseText(bye, '200 OK'));
  await ringback.wait('call.changed', ({ to }) => to === 'terminated');
  await ringback.stop();
}

/** A spiral that ends here again, with the call up: the same INVITE by another branch is 482 (§8.2.2.2). */
async function loop(lab: Lab, transport: Transport): Promise<void> {
  const caller = await call(lab, transport);
  const { ringback, peer, parts, send, final } = caller;
  const toTag = toTagOf(await final('1 INVITE'));
  send('ACK', 1, { toTag });
  await ringback.wait('call.changed', ({ to }) => to === 'established');
  const branch = 'z9hG4bK-once-around';
  const own = requestText(peer, 'INVITE', { ...parts, branch, body: offerText(7_000) });
  // What a proxy adds on its way: a Via of its own on top, and one hop less.
  const hop = `Via: SIP/2.0/${transport.toUpperCase()} 127.0.0.1:${peer.port};rport;branch=z9hG4bK-hop`;
  peer.send(own.replace('\r\nVia:', `\r\n${hop}\r\nVia:`).replace('Max-Forwards: 70', 'Max-Forwards: 68'));
  const looped = await peer.wait(
    '482',
    (one) => headerOf(one, 'Via').includes('z9hG4bK-hop') && statusOf(one) >= 200,
  );
  check(statusOf(looped) === 482, `the looped INVITE got ${looped.split('\r\n')[0]}, 482 is due`);
  await hangUp(caller, 2, toTag);
}

/** Responses that answer nothing are dropped with a line, and never answered (§18.1.2). */
async function strayResponses(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab);
  const peer = await openRawPeer(lab, transport, ringback.port);
  const parts = { callId: 'stray', target: ringback.port };
  for (const status of ['180 Ringing', '200 OK', '486 Busy Here']) {
    peer.send(responseText(requestText(peer, 'INVITE', parts), status));
  }
  const stray = () => ringback.all('sip.rejected').filter(({ code }) => code === 'response-unexpected');
  await until('a line for each stray response', () => stray().length === 3);
  await sleep(700);
  check(peer.received.length === 0, `a stray response was answered: ${peer.received[0]}`);
  await ringback.stop();
}

export const dialogScenarios: readonly Scenario[] = [
  ...overBoth('overlapping INVITEs: 500 with Retry-After, 491', overlapping),
  ...overBoth('BYE before the ACK', byeBeforeAck),
  ...overBoth('CANCEL with another branch', cancelElsewhere),
  ...overBoth('ACK with a wrong tag, a wrong CSeq, a body', acknowledgements),
  ...overBoth('the target moves with a re-INVITE', targetRefresh),
  ...overBoth('an INVITE that went round in a loop', loop),
  ...overBoth('responses that answer nothing', strayResponses),
];
