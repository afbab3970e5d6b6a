/** Streams through the whole endpoint: keepalives, framing, idle connections (RFC 5626 §3.5.1, RFC 3261 §18.3). */
import { expect, test } from 'bun:test';
import { Endpoint } from './endpoint.ts';
import type { Input, Output } from './endpoint-io.ts';
import { IDLE_CONNECTION_MS, SILENT_CONNECTION_MS } from './limits.ts';
import { bytesOf, latin1 } from './text.ts';
import { RFC_TIMERS } from './timers.ts';
import { requestText } from './transaction-stage.ts';

const REMOTE = { address: '192.0.2.1', port: 40_000 };
const VIA = { Via: 'SIP/2.0/TCP 192.0.2.1:40000;branch=z9hG4bK-peer-1' };

/** An echo that one peer is connected to. */
function connected() {
  const counters = {
    packetsReceived: 0,
    packetsSent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    lost: 0,
    reordered: 0,
  };
  const more = { duplicates: 0, dropped: 0, sendErrors: 0, rtcpReceived: 0, jitterMs: 0, rttMs: 0 };
  const endpoint = new Endpoint(
    {
      seed: [1, 2, 3, 4],
      product: 'ringback-test',
      accounts: [],
      echo: true,
      maxCalls: 10,
      ringDelayMs: 0,
      answerDelayMs: 0,
      mediaTimeoutMs: 0,
      defaultAddresses: { ipv4: '198.51.100.1' },
      interfaces: [],
      rawMessages: false,
      timers: RFC_TIMERS,
    },
    () => ({ ...counters, ...more }),
  );
  const put = (input: Input, atMs = 0): Output[] =>
    endpoint.handle(input, atMs).filter(({ type }) => type !== 'event');
  put({ type: 'listening', transport: 'tcp', local: { address: '::', port: 5060 } });
  put({ type: 'media', report: { type: 'ports', ports: [10_000] } });
  const local = { address: '198.51.100.1', port: 5060 };
  put({ type: 'connected', connection: 1, transport: 'tcp', local, remote: REMOTE });
  const stream = (text: string, atMs = 0) =>
    put({ type: 'stream', connection: 1, bytes: bytesOf(text) }, atMs);
  return { endpoint, put, stream };
}

/** What was sent, as text. */
function sent(outputs: readonly Output[]): string[] {
  return outputs.flatMap((output) => (output.type === 'send' ? [latin1(output.bytes)] : []));
}

test('a ping is answered with a pong on its stream, a pong with nothing (RFC 5626 §3.5.1)', () => {
  const { stream } = connected();
  expect(sent(stream('\r\n\r\n'))).toEqual(['\r\n']);
  expect(sent(stream('\r\n\r'))).toEqual([]);
  expect(sent(stream('\n'))).toEqual(['\r\n']);
});

test('a single CRLF is no ping', () => {
  expect(sent(connected().stream('\r\n'))).toEqual([]);
});

test('two requests and a ping in one chunk are each answered, on the stream they came on (§18.3, §18.2.2)', () => {
  const { stream } = connected();
  const second = { Via: VIA.Via.replace('peer-1', 'peer-2'), CSeq: '2 OPTIONS' };
  const outputs = stream(`${requestText('OPTIONS', VIA)}\r\n\r\n${requestText('OPTIONS', second)}`);
  expect(sent(outputs).map((text) => text.split('\r\n')[0])).toEqual([
    'SIP/2.0 200 OK',
    '',
    'SIP/2.0 200 OK',
  ]);
  for (const output of outputs) {
    if (output.type === 'send')
      expect(output.flow).toEqual({ transport: 'tcp', remote: REMOTE, connection: 1 });
  }
});

test('a stream without Content-Length is broken: it is closed, and what hung on it is told (§18.3)', () => {
  const { endpoint, stream } = connected();
  const outputs = stream(requestText('OPTIONS', VIA).replace('Content-Length: 0\r\n', ''));
  expect(outputs.at(-1)).toEqual({ type: 'disconnect', connection: 1 });
  expect(endpoint.alive.connections).toBe(0);
});

test('transactions on a stream are over with their answer: nothing can come late (§17.2.2, Timer J)', () => {
  const { endpoint, stream } = connected();
  stream(requestText('OPTIONS', VIA));
  expect(endpoint.alive).toEqual({ calls: 0, transactions: 0, connections: 1 });
});

test('a silent stream is closed in the end, unless a call stands on it', () => {
  const mute = connected();
  expect(mute.put({ type: 'time' }, SILENT_CONNECTION_MS)).toEqual([{ type: 'disconnect', connection: 1 }]);

  const idle = connected();
  idle.stream(requestText('OPTIONS', VIA));
  expect(idle.put({ type: 'time' }, SILENT_CONNECTION_MS)).toEqual([]);
  expect(idle.put({ type: 'time' }, IDLE_CONNECTION_MS)).toEqual([{ type: 'disconnect', connection: 1 }]);
  expect(idle.endpoint.deadlineMs()).toBeUndefined();

  const busy = connected();
  const sdp =
    'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n';
  const contact = { Contact: '<sip:100@192.0.2.1:40000;transport=tcp>' };
  const invite = requestText('INVITE', { ...VIA, ...contact, 'Content-Type': 'application/sdp' });
  const answer = sent(
    busy.stream(`${invite.replace('Content-Length: 0', `Content-Length: ${sdp.length}`)}${sdp}`),
  );
  const to = /\r\nTo: ([^\r]+)/.exec(answer.at(-1) ?? '')?.[1] ?? '';
  expect(answer.at(-1)).toStartWith('SIP/2.0 200');
  busy.stream(requestText('ACK', { Via: VIA.Via.replace('peer-1', 'peer-3'), CSeq: '1 ACK', To: to }));
  expect(busy.put({ type: 'time' }, IDLE_CONNECTION_MS)).toEqual([]);
  expect(busy.endpoint.alive).toEqual({ calls: 1, transactions: 0, connections: 1 });
  expect(busy.endpoint.deadlineMs()).toBe(2 * IDLE_CONNECTION_MS);
});
