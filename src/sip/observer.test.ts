/** The observer: calls of others between addresses, seen from the caller's side, through the engine's own tables. */
import { expect, test } from 'bun:test';
import type { EventOf } from '../events.ts';
import type { SocketAddress } from './flow.ts';
import type { ObservedMessage } from './observed-message.ts';
import { type ObservedEvent, observe } from './observer.ts';
import { bytesOf } from './text.ts';

const CALLER: SocketAddress = { address: '192.0.2.10', port: 5062 };
const PROXY: SocketAddress = { address: '192.0.2.1', port: 5060 };
const CALLEE: SocketAddress = { address: '192.0.2.20', port: 5060 };

function sdp(address: string, port: number, direction = 'sendrecv', formats = '0 8'): string {
  return `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP ${formats}\r\na=${direction}\r\n`;
}

interface Given {
  readonly at?: number;
  readonly from?: SocketAddress;
  readonly to?: SocketAddress;
  readonly cseq?: string;
  readonly branch?: string;
  readonly toTag?: string;
  /** The caller's tag stands in To. */
  readonly swapped?: boolean;
  readonly body?: string;
  readonly headers?: string;
}

/** One message of the call; the caller's side by default. */
function message(startLine: string, given: Given = {}): ObservedMessage {
  const {
    at = 0,
    from = CALLER,
    to = PROXY,
    cseq = '1 INVITE',
    branch = 'i1',
    toTag,
    swapped = false,
  } = given;
  const { body = '', headers = '' } = given;
  const [caller, callee] = [
    '<sip:100@lab.local>;tag=a',
    `<sip:101@lab.local>${toTag === undefined ? '' : `;tag=${toTag}`}`,
  ];
  const text =
    `${startLine}\r\nVia: SIP/2.0/UDP ${from.address}:${from.port};branch=z9hG4bK${branch}\r\n` +
    `From: ${swapped ? callee : caller}\r\nTo: ${swapped ? caller : callee}\r\nCall-ID: c1\r\nCSeq: ${cseq}\r\n` +
    `${headers}${body === '' ? '' : 'Content-Type: application/sdp\r\n'}Content-Length: ${body.length}\r\n\r\n${body}`;
  return { atMs: at, transport: 'udp', source: from, destination: to, bytes: bytesOf(text) };
}

const back = { from: PROXY, to: CALLER } as const;
const INVITE = message('INVITE sip:101@lab.local SIP/2.0', { body: sdp('192.0.2.10', 4000) });
const OK = message('SIP/2.0 200 OK', { ...back, at: 100, toTag: 'b', body: sdp('192.0.2.20', 6000) });
const ACK = message('ACK sip:101@192.0.2.20 SIP/2.0', { at: 110, cseq: '1 ACK', branch: 'a1', toTag: 'b' });

function of<T extends ObservedEvent['event']['type']>(
  events: readonly ObservedEvent[],
  type: T,
): EventOf<T>[] {
  return events.flatMap(({ event }) => (event.type === type ? [event as EventOf<T>] : []));
}

function states(events: readonly ObservedEvent[]): string[] {
  return of(events, 'call.changed').map(({ to }) => to);
}

test('a call is established by the ACK of its 200, with the audio that both agreed on', () => {
  const events = observe([INVITE, OK, ACK]);
  expect(states(events)).toEqual(['calling', 'established']);
  expect(of(events, 'media.started')).toMatchObject([
    {
      codec: 'PCMU',
      localAddress: '192.0.2.10',
      localPort: 4000,
      remoteAddress: '192.0.2.20',
      remotePort: 6000,
    },
  ]);
  expect(of(events, 'transaction.changed').map(({ to }) => to)).toEqual(['calling', 'accepted']);
});

test('beside a proxy the story is that of the caller: the other way of the same call is left out', () => {
  const further = message('INVITE sip:101@192.0.2.20 SIP/2.0', {
    at: 5,
    from: PROXY,
    to: CALLEE,
    branch: 'p1',
    body: sdp('192.0.2.10', 4000),
  });
  const early = message('SIP/2.0 200 OK', { at: 90, from: CALLEE, to: PROXY, branch: 'p1', toTag: 'b' });
  const events = observe([INVITE, further, early, OK, ACK]);
  expect(states(events)).toEqual(['calling', 'established']);
  expect(of(events, 'sip.sent')).toHaveLength(2);
  expect(of(events, 'sip.received')).toHaveLength(1);
});

test('over TCP a BYE comes to the port of the Contact, and belongs to the caller all the same', () => {
  const from = { address: '192.0.2.10', port: 49_152 };
  const own = 'Contact: <sip:100@192.0.2.10:5062;transport=tcp>\r\n';
  const invite = message('INVITE sip:101@lab.local SIP/2.0', {
    from,
    headers: own,
    body: sdp('192.0.2.10', 4000),
  });
  const ok = message('SIP/2.0 200 OK', { from: PROXY, to: from, toTag: 'b', body: sdp('192.0.2.20', 6000) });
  const ack = message('ACK sip:x SIP/2.0', { from, cseq: '1 ACK', branch: 'a', toTag: 'b' });
  const bye = message('BYE sip:100@192.0.2.10:5062 SIP/2.0', {
    from: CALLEE,
    to: CALLER,
    cseq: '1 BYE',
    branch: 'b1',
    toTag: 'b',
    swapped: true,
  });
  const events = observe([invite, ok, ack, bye]);
  expect(of(events, 'dialog.changed').at(-1)).toMatchObject({ to: 'terminated', cause: 'BYE received' });
});

test('a refusal that is followed by another try is no end; the last one is, with its outcome', () => {
  const refused = (status: string, more: Given) =>
    message(`SIP/2.0 ${status}`, { ...back, toTag: 'p', ...more });
  const again = { cseq: '2 INVITE', branch: 'i2' };
  const events = observe([
    INVITE,
    refused('407 Proxy Authentication Required', {
      headers: 'Proxy-Authenticate: Digest realm="lab", nonce="n", algorithm=MD5\r\n',
    }),
    message('INVITE sip:101@lab.local SIP/2.0', { ...again, body: sdp('192.0.2.10', 4000) }),
    refused('486 Busy Here', again),
  ]);
  expect(of(events, 'auth.challenged')).toMatchObject([{ realm: 'lab', status: 407 }]);
  expect(of(events, 'call.changed').at(-1)).toMatchObject({
    to: 'terminated',
    status: 486,
    outcome: 'refused',
  });
  expect(of(events, 'diagnosis.raised')).toMatchObject([{ code: 'callee-busy' }]);
});

test('a second phone that answered, and was released, does not end the call (§13.2.2.4)', () => {
  const fork = { toTag: 'c' };
  const events = observe([
    INVITE,
    OK,
    ACK,
    message('SIP/2.0 200 OK', { ...back, ...fork }),
    message('ACK sip:x SIP/2.0', { ...fork, cseq: '1 ACK', branch: 'a2' }),
    message('BYE sip:x SIP/2.0', { ...fork, cseq: '2 BYE', branch: 'b2' }),
    message('SIP/2.0 200 OK', { ...back, ...fork, cseq: '2 BYE', branch: 'b2' }),
  ]);
  expect(states(events)).toEqual(['calling', 'established']);
  const bye = { cseq: '3 BYE', branch: 'b3', toTag: 'b' };
  const ended = [message('BYE sip:x SIP/2.0', bye), message('SIP/2.0 200 OK', { ...back, ...bye })];
  expect(states(observe([INVITE, OK, ACK, ...ended]))).toEqual(['calling', 'established', 'terminated']);
});

test('a REGISTER that is refused has failed, though another one comes later', () => {
  const register = (number: number) =>
    message('REGISTER sip:lab.local SIP/2.0', { cseq: `${number} REGISTER`, branch: `g${number}` });
  const refused = (number: number, status: string) =>
    message(`SIP/2.0 ${status}`, { ...back, cseq: `${number} REGISTER`, branch: `g${number}` });
  const told = (events: readonly ObservedEvent[]) =>
    of(events, 'registration.changed').map(({ to, status }) => `${to} ${status ?? ''}`.trim());
  expect(
    told(observe([register(1), refused(1, '403 Forbidden'), register(2), refused(2, '200 OK')])),
  ).toEqual(['registering', 'failed 403', 'registering', 'registered 200']);
  expect(
    told(observe([register(1), refused(1, '423 Interval Too Brief'), register(2), refused(2, '200 OK')])),
  ).toEqual(['registering', 'registered 200']);
});

test('a late offer is in the 200 and its answer in the ACK (RFC 3264 §4)', () => {
  const events = observe([
    message('INVITE sip:101@lab.local SIP/2.0'),
    OK,
    {
      ...message('ACK sip:x SIP/2.0', {
        cseq: '1 ACK',
        branch: 'a1',
        toTag: 'b',
        body: sdp('192.0.2.10', 4000, 'sendrecv', '8'),
      }),
    },
  ]);
  expect(of(events, 'media.started')).toMatchObject([{ codec: 'PCMA', localPort: 4000, remotePort: 6000 }]);
});

test('hold and resume by re-INVITE are seen in the directions (RFC 3264 §8.4)', () => {
  const change = (number: number, direction: string, answer: string) => [
    message('INVITE sip:x SIP/2.0', {
      cseq: `${number} INVITE`,
      branch: `r${number}`,
      toTag: 'b',
      body: sdp('192.0.2.10', 4000, direction),
    }),
    message('SIP/2.0 200 OK', {
      ...back,
      cseq: `${number} INVITE`,
      branch: `r${number}`,
      toTag: 'b',
      body: sdp('192.0.2.20', 6000, answer),
    }),
  ];
  const events = observe([
    INVITE,
    OK,
    ACK,
    ...change(2, 'sendonly', 'recvonly'),
    ...change(3, 'sendrecv', 'sendrecv'),
  ]);
  expect(states(events)).toEqual(['calling', 'established', 'held', 'established']);
});

test('an INVITE that nobody answers has failed after 64·T1, when the file is that long (§17.1.1.2)', () => {
  expect(states(observe([INVITE], 31_999))).toEqual(['calling']);
  const events = observe([INVITE], 32_000);
  expect(of(events, 'call.changed').at(-1)).toMatchObject({
    to: 'terminated',
    outcome: 'no-answer',
  });
  expect(events.at(-1)?.atMs).toBe(32_000);
});

test('a 200 that was never acknowledged is told', () => {
  expect(of(observe([INVITE, OK]), 'diagnosis.raised')).toMatchObject([{ code: 'ack-missing' }]);
  expect(of(observe([INVITE, OK, ACK]), 'diagnosis.raised')).toEqual([]);
});

test('an address that audio will hardly reach is told, for either side', () => {
  const far = { address: '8.8.4.4', port: 5060 };
  const events = observe([
    INVITE,
    message('SIP/2.0 200 OK', { from: far, to: CALLER, toTag: 'b', body: sdp('10.0.0.7', 6000) }),
    ACK,
  ]);
  expect(of(events, 'diagnosis.raised')).toMatchObject([
    { code: 'media-address-private', severity: 'warning' },
  ]);
});

test('a message that cannot be read is told with its line and the place in it', () => {
  const bad = bytesOf(
    Buffer.from(INVITE.bytes).toString('latin1').replace('CSeq: 1 INVITE', 'CSeq: x INVITE'),
  );
  const [event] = of(observe([{ ...INVITE, bytes: bad }]), 'sip.rejected');
  expect(event).toMatchObject({ code: 'cseq-malformed', header: 'CSeq', line: 'CSeq: x INVITE', column: 6 });
  expect(event?.hint).toContain('CSeq: 1 INVITE');
});

test('a request that a server would refuse as malformed is told, and followed all the same', () => {
  const invite = message('INVITE sip:101@lab.local SIP/2.0', {
    headers: 'Date: Sat, 13 Nov 2010 23:29:00 EST\r\n',
  });
  const events = observe([invite, OK, ACK]);
  expect(of(events, 'sip.rejected')).toMatchObject([{ code: 'date-malformed', header: 'Date' }]);
  expect(states(events)).toEqual(['calling', 'established']);
});

test('a session description that cannot be read is told at its byte in the message', () => {
  const text = Buffer.from(INVITE.bytes).toString('latin1').replace('t=0 0\r\n', 'tx0 0\r\n');
  const [event] = of(observe([{ ...INVITE, bytes: bytesOf(text) }]), 'sip.rejected');
  expect(event).toMatchObject({ line: 'tx0 0' });
  expect(text.slice(event?.offset)).toStartWith('tx0 0');
});
