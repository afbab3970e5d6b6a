/** Where a call's audio goes, packet by packet: re-INVITE, hold, NAT, strangers, DTMF, RTCP on the same port. */
import { check, type Lab, sleep, until } from '../lab.ts';
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
import { openRtpPeer } from '../rtp-peer.ts';
import { overBoth, type Scenario } from '../scenario.ts';

type Transport = 'udp' | 'tcp';

/** A call by hand, of which the next step can be taken at any moment. */
interface RawCall {
  readonly ringback: Ringback;
  readonly peer: RawPeer;
  /** The port of the echo's audio. */
  readonly port: number;
  readonly answer: string;
  /** A new offer; the answer to it. */
  reinvite(body: string): Promise<string>;
  /** BYE, and the echo stopped. */
  end(): Promise<void>;
}

async function callUp(lab: Lab, transport: Transport, body: string): Promise<RawCall> {
  const ringback = await startRingback(lab);
  const peer = await openRawPeer(lab, transport, ringback.port);
  const target = ringback.port;
  const callId = `media-${peer.port}`;
  let cseq = 0;
  let toTag: string | undefined;
  const invite = async (offer: string) => {
    cseq++;
    const parts = { callId, target, cseq, ...(toTag === undefined ? {} : { toTag }) };
    peer.send(requestText(peer, 'INVITE', { ...parts, body: offer }));
    const answer = await peer.wait(`200 to INVITE ${cseq}`, isResponse(200, `${cseq} INVITE`));
    toTag = toTagOf(answer);
    peer.send(requestText(peer, 'ACK', { callId, target, cseq, toTag, branch: `z9hG4bK-ack-${cseq}` }));
    await sleep(50);
    return answer;
  };
  const answer = await invite(body);
  return {
    ringback,
    peer,
    port: Number(/^m=audio (\d+)/m.exec(answer)?.[1]),
    answer,
    reinvite: invite,
    async end() {
      cseq++;
      peer.send(requestText(peer, 'BYE', { callId, target, cseq, toTag: toTag ?? '' }));
      await peer.wait('200 to BYE', isResponse(200, `${cseq} BYE`));
      await ringback.stop();
    },
  };
}

async function followsReinvite(lab: Lab, transport: Transport): Promise<void> {
  const [one, two] = [await openRtpPeer(lab), await openRtpPeer(lab, 0x55667788)];
  const call = await callUp(lab, transport, offerText(one.port));
  const before = await one.talk(call.port, 10);
  check(before === 10, `${before} of 10 packets came back before the re-INVITE`);
  await call.reinvite(offerText(two.port));
  const heard = one.received.length;
  const after = await two.talk(call.port, 10);
  check(after === 10, `${after} of 10 packets came back to the new port`);
  check(one.received.length === heard, `the old port heard ${one.received.length - heard} packets more`);
  await call.end();
}

async function silentOnHold(lab: Lab, transport: Transport): Promise<void> {
  const rtp = await openRtpPeer(lab);
  const call = await callUp(lab, transport, offerText(rtp.port));
  check((await rtp.talk(call.port, 5)) === 5, 'not every packet came back before hold');
  for (const direction of ['sendonly', 'inactive']) {
    await call.reinvite(offerText(rtp.port, [`a=${direction}`]));
    const held = rtp.received.length;
    await rtp.talk(call.port, 10, 'unheard');
    check(rtp.received.length === held, `${rtp.received.length - held} packets came back while ${direction}`);
  }
  await call.reinvite(offerText(rtp.port));
  const resumed = await rtp.talk(call.port, 10);
  check(resumed === 10, `${resumed} of 10 packets came back after resuming`);
  await call.end();
}

/** Behind a NAT: the offer names a port that is closed, the audio comes from another (RFC 4961). */
async function symmetric(lab: Lab, transport: Transport): Promise<void> {
  const [named, real] = [lab.port(), await openRtpPeer(lab)];
  const call = await callUp(lab, transport, offerText(named));
  const back = await real.talk(call.port, 25);
  check(back === 25, `${back} of 25 packets came back to where they came from`);
  const latched = await call.ringback.wait('media.latched');
  check(latched.port === real.port, `media.latched says ${latched.port}, not ${real.port}`);
  check(latched.expectedPort === named, `media.latched expected ${latched.expectedPort}, not ${named}`);
  await call.end();
}

/** Somebody who sends to our port hears nothing and takes nothing away. */
async function stranger(lab: Lab, transport: Transport): Promise<void> {
  const [caller, other] = [await openRtpPeer(lab), await openRtpPeer(lab, 0x99aabbcc)];
  const call = await callUp(lab, transport, offerText(caller.port));
  const [mine, theirs] = await Promise.all([
    caller.talk(call.port, 25),
    other.talk(call.port, 25, 'unheard'),
  ]);
  check(mine === 25, `${mine} of 25 packets came back while a stranger sent as well`);
  check(theirs === 0 && other.received.length === 0, `the stranger heard ${other.received.length} packets`);
  const foreign = caller.received.filter(
    (bytes) => bytes.length === 172 && bytes.readUInt32BE(12) === 0x99aabbcc,
  );
  check(foreign.length === 0, `the caller heard ${foreign.length} packets of the stranger`);
  await call.end();
}

/** A stranger who was there first is heard until the caller speaks, and no longer. */
async function strangerFirst(lab: Lab, transport: Transport): Promise<void> {
  const [caller, other] = [await openRtpPeer(lab), await openRtpPeer(lab, 0x99aabbcc)];
  const call = await callUp(lab, transport, offerText(caller.port));
  await other.talk(call.port, 5);
  const mine = await caller.talk(call.port, 10);
  check(mine === 10, `${mine} of 10 packets came back to the caller after a stranger had spoken`);
  const heard = other.received.length;
  const theirs = await other.talk(call.port, 10, 'unheard');
  check(
    theirs === 0 && other.received.length === heard,
    'the stranger is still heard after the caller spoke',
  );
  check((await caller.talk(call.port, 10)) === 10, 'the stranger took the call');
  await call.end();
}

/** RFC 4733: one event a key, however many packets it takes; and heard by the caller like everything else. */
async function dtmf(lab: Lab, transport: Transport): Promise<void> {
  const rtp = await openRtpPeer(lab);
  const extra = ['a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15'];
  const offer = offerText(rtp.port, extra).replace('RTP/AVP 0 8', 'RTP/AVP 0 101');
  const call = await callUp(lab, transport, offer);
  await rtp.talk(call.port, 3);
  for (const digit of [5, 11]) {
    for (let index = 1; index <= 8; index++) {
      const end = index > 5 ? 0x80 : 0;
      const duration = Math.min(index, 6) * 160;
      rtp.send(
        call.port,
        rtp.packet(101, Buffer.from([digit, end | 10, duration >> 8, duration & 0xff]), index === 1),
      );
      await sleep(20);
    }
    await rtp.talk(call.port, 3);
  }
  await until('two digits', () => call.ringback.all('dtmf.received').length >= 2);
  const said = call.ringback.all('dtmf.received').map(({ digit, durationMs }) => `${digit} ${durationMs}`);
  check(said.join(', ') === '5 120, # 120', `dtmf.received says ${said.join(', ')}`);
  const back = rtp.received.filter((bytes) => ((bytes[1] ?? 0) & 0x7f) === 101).length;
  check(back === 16, `${back} of 16 telephone-event packets came back`);
  await call.end();
}

/** RFC 5761: with a=rtcp-mux in offer and answer, RTCP comes to the port of RTP. */
async function rtcpMux(lab: Lab, transport: Transport): Promise<void> {
  const rtp = await openRtpPeer(lab);
  const call = await callUp(lab, transport, offerText(rtp.port, ['a=rtcp-mux']));
  check(call.answer.includes('a=rtcp-mux'), 'no a=rtcp-mux in the answer');
  const reported = () => rtp.received.some((bytes) => bytes[1] === 200 || bytes[1] === 201);
  // 5 s, times 0.5 to 1.5 (RFC 3550 §6.3.1).
  const end = performance.now() + 10_000;
  while (performance.now() < end && !reported()) await rtp.talk(call.port, 5);
  check(reported(), 'no RTCP on the RTP port in 10 s');
  await call.end();
}

/** Nobody listens where the audio goes: the ICMP errors that come back end nothing. */
async function deafCaller(lab: Lab, transport: Transport): Promise<void> {
  const rtp = await openRtpPeer(lab);
  const call = await callUp(lab, transport, offerText(lab.port()));
  await sleep(300);
  await call.reinvite(offerText(rtp.port));
  const back = await rtp.talk(call.port, 10);
  check(back === 10, `${back} of 10 packets came back after the ICMP errors`);
  await call.end();
}

/** Room for two calls: the third gets 503 with Retry-After, and once one has ended there is room again. */
async function noPortLeft(lab: Lab, transport: Transport): Promise<void> {
  const first = lab.port();
  const ringback = await startRingback(lab, ['--rtp-ports', `${first}-${first + 3}`]);
  const target = ringback.port;
  const peer = await openRawPeer(lab, transport, target);
  const invite = async (callId: string) => {
    peer.send(requestText(peer, 'INVITE', { callId, target, body: offerText(7_000) }));
    const final = (message: string) => statusOf(message) >= 200 && headerOf(message, 'Call-ID') === callId;
    const answer = await peer.wait(`an answer to ${callId}`, final);
    const branch = statusOf(answer) === 200 ? `z9hG4bK-ack-${callId}` : `z9hG4bK-${callId}-INVITE-1`;
    peer.send(requestText(peer, 'ACK', { callId, target, toTag: toTagOf(answer), branch }));
    return answer;
  };
  const one = await invite('one');
  const two = await invite('two');
  check(
    statusOf(one) === 200 && statusOf(two) === 200,
    `${statusOf(one)} and ${statusOf(two)} for two calls`,
  );
  const three = await invite('three');
  check(statusOf(three) === 503, `${statusOf(three)} for the third call, 503 is due`);
  check(Number(headerOf(three, 'Retry-After').split(/[\s;(]/)[0]) > 0, 'no Retry-After in the 503');
  peer.send(requestText(peer, 'BYE', { callId: 'one', target, cseq: 2, toTag: toTagOf(one) }));
  await peer.wait('200 to BYE', isResponse(200, '2 BYE'));
  check(statusOf(await invite('four')) === 200, 'no room after a call has ended');
  ringback.say('hangup-all');
  await peer.wait('BYE', (message) => message.startsWith('BYE '));
  for (const message of peer.received)
    if (message.startsWith('BYE ')) peer.send(responseText(message, '200 OK'));
  await ringback.stop();
}

export const mediaScenarios: readonly Scenario[] = [
  ...overBoth('audio follows a re-INVITE to a new port', followsReinvite),
  ...overBoth('on hold nothing comes back', silentOnHold),
  ...overBoth('symmetric RTP: from another port than the offer says', symmetric),
  ...overBoth('a stranger neither hears nor is heard', stranger),
  ...overBoth('a stranger who spoke first', strangerFirst),
  ...overBoth('no RTP port left', noPortLeft),
  ...overBoth('DTMF', dtmf),
  ...overBoth('RTCP on the port of RTP', rtcpMux),
  ...overBoth('nobody listens at the offered port at first', deafCaller),
];
