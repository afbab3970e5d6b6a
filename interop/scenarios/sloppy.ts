/** Callers that write what no RFC 3261 phone would: RFC 2543 gateways, sloppy phones, bodies of several parts. */
import { check, type Lab } from '../lab.ts';
import {
  headerOf,
  isResponse,
  offerText,
  openRawPeer,
  type RawPeer,
  requestText,
  statusOf,
  toTagOf,
} from '../raw-peer.ts';
import { startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';

type Transport = 'udp' | 'tcp';
type Change = (text: string) => string;

/** As RFC 2543 has it: no cookie, no From tag, no Contact, no Max-Forwards. */
function oldText(peer: RawPeer, text: string): string {
  const via = `Via: SIP/2.0/${peer.transport.toUpperCase()} 127.0.0.1:${peer.port}`;
  return text
    .replace(/^Via:.*$/m, via)
    .replace(/^(From:.*?);tag=\S*$/m, '$1')
    .replace(/^(Contact|Max-Forwards):.*\r\n/gm, '');
}

/** A call of RFC 2543 that we hang up: our BYE finds the caller without a Contact (RFC 2543 §6.13, §12.1.1). */
async function oldCaller(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab);
  const peer = await openRawPeer(lab, transport, ringback.port);
  const parts = { callId: 'old', target: ringback.port };
  const invite = oldText(peer, requestText(peer, 'INVITE', { ...parts, body: offerText(7_000) }));
  peer.send(invite);
  const toTag = toTagOf(await peer.wait('200', isResponse(200, '1 INVITE')));
  peer.send(oldText(peer, requestText(peer, 'ACK', { ...parts, toTag })));
  const { call } = await ringback.wait('call.changed', ({ to }) => to === 'established');
  ringback.say(`hangup ${call}`);
  const bye = await peer.wait('BYE', (message) => message.startsWith('BYE '));
  check(!headerOf(bye, 'To').includes('tag='), `a tag that the caller never had: ${headerOf(bye, 'To')}`);
  const copied = bye.split('\r\n').filter((each) => /^(via|from|to|call-id|cseq):/i.test(each));
  peer.send(['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'));
  await ringback.wait('call.changed', ({ to }) => to === 'terminated');
  await ringback.stop();
}

const UNDERSTOOD: Readonly<Record<string, Change>> = {
  'bare-lf': (text) => {
    const head = text.indexOf('\r\n\r\n') + 4;
    return text.slice(0, head).replaceAll('\r\n', '\n') + text.slice(head);
  },
  'lower-case': (text) => text.replace(/^[A-Z][A-Za-z-]+:/gm, (name) => name.toLowerCase()),
  'no-max-forwards': (text) => text.replace(/^Max-Forwards:.*\r\n/m, ''),
  spaces: (text) => text.replace(/^(From|To|CSeq|Contact): /gm, '$1  :   '),
  semicolon: (text) => text.replace(/^(Contact:.*)$/m, '$1;'),
};

/** Each is a call from INVITE to BYE; what has two readings gets 400 with the field and the byte. */
async function sloppy(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab);
  const target = ringback.port;
  const peer = await openRawPeer(lab, transport, target);
  for (const [callId, change] of Object.entries(UNDERSTOOD)) {
    const from = peer.received.length;
    peer.send(change(requestText(peer, 'INVITE', { callId, target, body: offerText(7_000) })));
    const ok = await peer.wait(`200 (${callId})`, isResponse(200, '1 INVITE'), 5_000, from);
    const toTag = toTagOf(ok);
    peer.send(requestText(peer, 'ACK', { callId, target, toTag }));
    peer.send(requestText(peer, 'BYE', { callId, target, toTag, cseq: 2 }));
    await peer.wait(`200 to BYE (${callId})`, isResponse(200, '2 BYE'), 5_000, from);
  }
  const from = peer.received.length;
  const broken = requestText(peer, 'OPTIONS', { callId: 'broken', target });
  peer.send(broken.replace('Max-Forwards: 70', 'Max-Forwards: many'));
  const refused = await peer.wait('400', (message) => statusOf(message) === 400, 5_000, from);
  const first = refused.split('\r\n')[0] ?? '';
  check(/\(Max-Forwards, byte \d+: /.test(first), `the 400 does not name field and byte: ${first}`);
  await ringback.stop();
}

/** An offer beside an ISUP part that may be ignored (RFC 5621 §3, RFC 3372). */
async function multipart(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab);
  const target = ringback.port;
  const peer = await openRawPeer(lab, transport, target);
  const callId = 'multipart';
  const body = [
    '--edge',
    'Content-Type: application/ISUP;version=itu-t92+',
    'Content-Disposition: signal;handling=optional',
    '',
    '\x01\x00\x48\x00\x0a\x03',
    '--edge',
    'Content-Type: application/sdp',
    '',
    `${offerText(7_000)}`,
    '--edge--',
    '',
  ].join('\r\n');
  const text = requestText(peer, 'INVITE', { callId, target, body });
  peer.send(text.replace('application/sdp', 'multipart/mixed;boundary=edge'));
  const ok = await peer.wait('200', isResponse(200, '1 INVITE'));
  check(ok.includes('m=audio '), 'the 200 has no answer');
  const toTag = toTagOf(ok);
  peer.send(requestText(peer, 'ACK', { callId, target, toTag }));
  peer.send(requestText(peer, 'BYE', { callId, target, toTag, cseq: 2 }));
  await peer.wait('200 to BYE', isResponse(200, '2 BYE'));
  await ringback.stop();
}

export const sloppyScenarios: readonly Scenario[] = [
  ...overBoth('a caller of RFC 2543', oldCaller),
  ...overBoth('what sloppy phones write', sloppy),
  ...overBoth('an offer in a body of several parts', multipart),
];
