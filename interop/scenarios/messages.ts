/** What SIPp cannot be brought to do: broken messages and retransmissions at a chosen moment, by a hand-written peer. */
import { createServer } from 'node:net';
import { check, type Lab, output, sleep, until } from '../lab.ts';
import {
  headerOf,
  isResponse,
  offerText,
  openRawPeer,
  type RawPeer,
  requestText,
  responseText,
  statusOf,
  toTagOf,
} from '../raw-peer.ts';
import { type Ringback, startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';

type Transport = 'udp' | 'tcp';

const invited = (ringback: Ringback) => new Set(ringback.all('call.changed').map(({ call }) => call)).size;

/** The echo answers OPTIONS: it lives. */
async function isAlive(lab: Lab, ringback: Ringback, transport: Transport): Promise<void> {
  const peer = await openRawPeer(lab, transport, ringback.port);
  peer.send(requestText(peer, 'OPTIONS', { callId: `alive-${peer.port}`, target: ringback.port }));
  await peer.wait('200 to OPTIONS', isResponse(200, '1 OPTIONS'));
}

async function hangUp(peer: RawPeer, target: number, callId: string, toTag: string): Promise<void> {
  peer.send(requestText(peer, 'BYE', { callId, target, toTag, cseq: 2 }));
  await peer.wait('200 to BYE', isResponse(200, '2 BYE'));
}

async function retransmittedInvite(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab, ['--answer-delay', '0.5']);
  const peer = await openRawPeer(lab, transport, ringback.port);
  const target = ringback.port;
  const callId = 'retransmitted';
  const text = requestText(peer, 'INVITE', { callId, target, body: offerText(7_000) });
  // While it rings: the last provisional again. After 200: RFC 6026 §7.1 absorbs it.
  peer.send(text);
  await peer.wait('180', isResponse(180, '1 INVITE'));
  peer.send(text);
  const answer = await peer.wait('200', isResponse(200, '1 INVITE'));
  peer.send(text);
  await sleep(300);
  const toTag = toTagOf(answer);
  peer.send(requestText(peer, 'ACK', { callId, target, toTag, branch: 'z9hG4bK-ack' }));
  await sleep(300);
  // After ACK, too: still the same transaction for 64*T1.
  peer.send(text);
  await sleep(300);
  const tags = new Set(peer.received.filter((each) => statusOf(each) > 100).map(toTagOf));
  check(tags.size === 1, `${tags.size} To tags for one INVITE: ${[...tags].join(' ')}`);
  check(invited(ringback) === 1, `${invited(ringback)} calls for one INVITE sent four times`);
  const bad = peer.received.find((each) => statusOf(each) >= 300 || statusOf(each) === 0);
  check(bad === undefined, `came as well: ${bad?.split('\r\n')[0]}`);
  await hangUp(peer, target, callId, toTag);
  await ringback.stop();
}

/** The same call by two ways (a forking proxy that joins again): RFC 3261 §8.2.2.2. */
async function mergedInvite(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab, ['--answer-delay', '1']);
  const peer = await openRawPeer(lab, transport, ringback.port);
  const target = ringback.port;
  const callId = 'merged';
  peer.send(
    requestText(peer, 'INVITE', { callId, target, body: offerText(7_000), branch: 'z9hG4bK-way-one' }),
  );
  await peer.wait('180', isResponse(180, '1 INVITE'));
  const two = requestText(peer, 'INVITE', {
    callId,
    target,
    body: offerText(7_000),
    branch: 'z9hG4bK-way-two',
  });
  peer.send(two);
  const merged = await peer.wait(
    'a final answer to the second way',
    (message) => statusOf(message) >= 200 && headerOf(message, 'Via').includes('way-two'),
  );
  check(statusOf(merged) === 482, `the second way got ${merged.split('\r\n')[0]}, 482 is due (§8.2.2.2)`);
  peer.send(requestText(peer, 'ACK', { callId, target, toTag: toTagOf(merged), branch: 'z9hG4bK-way-two' }));
  const answer = await peer.wait('200', isResponse(200, '1 INVITE'));
  peer.send(requestText(peer, 'ACK', { callId, target, toTag: toTagOf(answer), branch: 'z9hG4bK-ack' }));
  await hangUp(peer, target, callId, toTagOf(answer));
  await ringback.stop();
}

/** What no program would send, and the status that is due when there is enough to answer to. */
function brokenMessages(peer: RawPeer, target: number): { text: string; status: number; what: string }[] {
  const whole = (callId: string) => requestText(peer, 'OPTIONS', { callId, target });
  return [
    { what: 'no From', text: whole('no-from').replace(/^From:.*\r\n/m, ''), status: 400 },
    { what: 'no To', text: whole('no-to').replace(/^To:.*\r\n/m, ''), status: 400 },
    { what: 'no Call-ID', text: whole('no-id').replace(/^Call-ID:.*\r\n/m, ''), status: 400 },
    { what: 'a CSeq that is no number', text: whole('cseq').replace('CSeq: 1 ', 'CSeq: one '), status: 400 },
    {
      what: 'a CSeq of another method',
      text: whole('cseq-method').replace('1 OPTIONS\r', '1 INFO\r'),
      status: 400,
    },
    { what: 'SIP/7.0', text: whole('version').replace('SIP/2.0\r\nVia', 'SIP/7.0\r\nVia'), status: 505 },
    { what: 'an unbalanced quote', text: whole('quote').replace('From: <', 'From: "bob <'), status: 400 },
  ];
}

async function malformed(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab);
  const target = ringback.port;
  const probe = await openRawPeer(lab, transport, target);
  for (const { what, status } of brokenMessages(probe, target)) {
    const peer = await openRawPeer(lab, transport, target);
    const text = brokenMessages(peer, target).find((each) => each.what === what)?.text ?? '';
    peer.send(text);
    const answer = await peer.wait(`an answer to a message with ${what}`, (message) => statusOf(message) > 0);
    check(statusOf(answer) === status, `${what}: ${answer.split('\r\n')[0]}, ${status} is due`);
  }
  const rejected = ringback.all('sip.rejected');
  check(rejected.length >= 7, `${rejected.length} events sip.rejected for 7 broken messages`);
  // Nothing to answer to: no Via, no SIP, no end.
  for (const text of [
    'hello\r\n\r\n',
    '\0\0\0\0',
    'INVITE\r\n\r\n',
    `OPTIONS sip:a SIP/2.0\r\n${'X: y\r\n'.repeat(5_000)}`,
  ]) {
    const peer = await openRawPeer(lab, transport, target);
    peer.send(text);
  }
  await sleep(200);
  await isAlive(lab, ringback, 'udp');
  await isAlive(lab, ringback, 'tcp');
  await ringback.stop();
}

/** A stream in every cut, with keepalives between and two messages in a piece (RFC 3261 §18.3, RFC 5626 §3.5.1). */
async function streamInPieces(lab: Lab): Promise<void> {
  const ringback = await startRingback(lab);
  const target = ringback.port;
  const peer = await openRawPeer(lab, 'tcp', target);
  // A folded field and one that nobody knows, too: SIPp cannot send a line that starts with a blank (§7.3.1).
  const extra = ['Subject: cut in pieces,', '\t and folded', 'X-Unknown: kept'];
  const text = requestText(peer, 'INVITE', { callId: 'pieces', target, extra, body: offerText(7_000) });
  peer.send('\r\n\r\n');
  for (let from = 0; from < text.length; from += 37) {
    peer.send(text.slice(from, from + 37));
    await sleep(2);
  }
  const answer = await peer.wait('200', isResponse(200, '1 INVITE'));
  const toTag = toTagOf(answer);
  const ack = requestText(peer, 'ACK', { callId: 'pieces', target, toTag, branch: 'z9hG4bK-ack' });
  const bye = requestText(peer, 'BYE', { callId: 'pieces', target, toTag, cseq: 2 });
  const options = requestText(peer, 'OPTIONS', { callId: 'pieces-options', target });
  peer.send(`${ack}\r\n\r\n${bye}${options}`);
  await peer.wait('200 to BYE', isResponse(200, '2 BYE'));
  await peer.wait('200 to OPTIONS', isResponse(200, '1 OPTIONS'));
  await ringback.stop();
}

/** rport (RFC 3581) and received: the answer goes where the request came from, whatever Via says. */
async function rport(lab: Lab): Promise<void> {
  const ringback = await startRingback(lab);
  const peer = await openRawPeer(lab, 'udp', ringback.port);
  const text = requestText(peer, 'OPTIONS', { callId: 'rport', target: ringback.port });
  peer.send(text.replace(/^Via: SIP\/2.0\/UDP [^;]+/m, 'Via: SIP/2.0/UDP 192.0.2.77:5099'));
  const answer = await peer.wait('200', isResponse(200, '1 OPTIONS'));
  const via = headerOf(answer, 'Via');
  check(via.includes(`rport=${peer.port}`), `no rport=${peer.port} in Via: ${via}`);
  check(via.includes('received=127.0.0.1'), `no received=127.0.0.1 in Via: ${via}`);
  await ringback.stop();
}

/** BYE before there is an answer: 200 to it and 487 to the INVITE (§15.1.2). */
async function byeWhileRinging(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab, ['--answer-delay', '2']);
  const peer = await openRawPeer(lab, transport, ringback.port);
  const target = ringback.port;
  const callId = 'early';
  peer.send(requestText(peer, 'INVITE', { callId, target, body: offerText(7_000) }));
  const toTag = toTagOf(await peer.wait('180', isResponse(180, '1 INVITE')));
  await hangUp(peer, target, callId, toTag);
  await peer.wait('487', isResponse(487, '1 INVITE'));
  const branch = `z9hG4bK-${callId}-INVITE-1`;
  peer.send(requestText(peer, 'ACK', { callId, target, toTag, branch }));
  await ringback.wait('call.changed', ({ to }) => to === 'terminated');
  await ringback.stop();
}

/** An extension that is required and not there: 420 with Unsupported (§8.2.2.3). */
async function requiredExtension(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab);
  const peer = await openRawPeer(lab, transport, ringback.port);
  const extra = ['Require: x-nobody'];
  const parts = { callId: 'required', target: ringback.port, extra, body: offerText(7_000) };
  peer.send(requestText(peer, 'INVITE', parts));
  const answer = await peer.wait('420', isResponse(420, '1 INVITE'));
  check(headerOf(answer, 'Unsupported') === 'x-nobody', `Unsupported: ${headerOf(answer, 'Unsupported')}`);
  const branch = 'z9hG4bK-required-INVITE-1';
  peer.send(
    requestText(peer, 'ACK', { callId: 'required', target: ringback.port, toTag: toTagOf(answer), branch }),
  );
  await ringback.stop();
}

/** The stream of the call is gone when we hang up: BYE goes to the Contact on a new one (§12.2.1.1, §18.1.1). */
async function streamLost(lab: Lab): Promise<void> {
  const ringback = await startRingback(lab);
  const contactPort = lab.port();
  const heard = await listenTcp(lab, contactPort);
  const peer = await openRawPeer(lab, 'tcp', ringback.port);
  const target = ringback.port;
  const text = requestText(peer, 'INVITE', { callId: 'lost', target, body: offerText(7_000) });
  const contact = `Contact: <sip:raw@127.0.0.1:${contactPort};transport=tcp>`;
  peer.send(text.replace(/^Contact:.*$/m, contact));
  const toTag = toTagOf(await peer.wait('200', isResponse(200, '1 INVITE')));
  peer.send(requestText(peer, 'ACK', { callId: 'lost', target, toTag, branch: 'z9hG4bK-ack' }));
  const { call } = await ringback.wait('call.changed', ({ to }) => to === 'established');
  peer.close();
  const stands = new RegExp(`^(ESTAB|CLOSE-WAIT) .*:${target} .*:${peer.port}\\s`, 'm');
  await until('the echo to close its end', async () => !stands.test(await output(['ss', '-Htan'])));
  ringback.say(`hangup ${call}`);
  await until('BYE at the Contact', () => heard().startsWith('BYE '));
  await ringback.wait('call.changed', ({ to }) => to === 'terminated');
  await ringback.stop();
}

/** A TCP server that answers every request with 200; what it heard. */
async function listenTcp(lab: Lab, port: number): Promise<() => string> {
  let heard = '';
  const server = createServer((stream) => {
    stream.on('error', () => {});
    lab.defer(() => void stream.destroy());
    stream.on('data', (bytes) => {
      heard += bytes.toString('latin1');
      if (heard.includes('\r\n\r\n')) stream.write(responseText(heard, '200 OK'));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  lab.defer(() => void server.close());
  return () => heard;
}

export const messageScenarios: readonly Scenario[] = [
  ...overBoth('a retransmitted INVITE is one call', retransmittedInvite),
  ...overBoth('a merged INVITE is answered 482', mergedInvite),
  ...overBoth('malformed messages', malformed),
  ...overBoth('BYE while it rings', byeWhileRinging),
  ...overBoth('a required extension that is not there', requiredExtension),
  { name: 'BYE on a new stream when the first is lost, tcp', needs: ['ss'], run: streamLost },
  { name: 'a stream in pieces, tcp', run: streamInPieces },
  { name: 'rport and received, udp', run: rport },
];
