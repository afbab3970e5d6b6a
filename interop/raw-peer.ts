/**
 * A SIP peer written by hand: a socket, text out, text in. It shares no code with src/, so that a mistake there
 * is not made here as well. For what SIPp cannot be brought to do: broken messages, a retransmission at the
 * moment that matters, a second signal while a BYE waits.
 */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { type Lab, LOOPBACK, until } from './lab.ts';
import type { SippTransport } from './sipp.ts';

/** One socket towards ringback. */
export interface RawPeer {
  readonly transport: SippTransport;
  readonly port: number;
  /** Whole messages, in the order in which they came. */
  readonly received: string[];
  /** The other side closed the stream. */
  readonly closed: () => boolean;
  send(text: string): void;
  close(): void;
  /** The first message from `from` on that fits. */
  wait(what: string, fits: (message: string) => boolean, limitMs?: number, from?: number): Promise<string>;
}

/** Opens a socket of that transport; closed with the lab. */
export async function openRawPeer(lab: Lab, transport: SippTransport, remotePort: number): Promise<RawPeer> {
  const received: string[] = [];
  let ended = false;
  const socket =
    transport === 'udp' ? await openUdp(received, remotePort) : await openTcp(received, remotePort);
  if (socket.stream) socket.stream.on('close', () => (ended = true));
  lab.defer(socket.close);
  return {
    transport,
    port: socket.port,
    received,
    closed: () => ended,
    send: socket.send,
    close: socket.close,
    async wait(what, fits, limitMs = 5_000, from = 0) {
      let found: string | undefined;
      await until(
        what,
        () => {
          found = received.slice(from).find(fits);
          return found !== undefined;
        },
        limitMs,
      );
      return found as string;
    },
  };
}

async function openUdp(received: string[], remotePort: number) {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, LOOPBACK, resolve));
  socket.on('message', (bytes) => received.push(bytes.toString('latin1')));
  return {
    port: socket.address().port,
    stream: undefined,
    send: (text: string) => socket.send(Buffer.from(text, 'latin1'), remotePort, LOOPBACK),
    close: once(() => void socket.close()),
  };
}

async function openTcp(received: string[], remotePort: number) {
  const stream = connect(remotePort, LOOPBACK);
  await new Promise<void>((resolve, reject) => stream.once('connect', resolve).once('error', reject));
  stream.on('error', () => {});
  let rest = '';
  stream.on('data', (bytes) => {
    rest += bytes.toString('latin1');
    for (;;) {
      rest = rest.replace(/^(\r\n)+/, '');
      const head = rest.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/^content-length:\s*(\d+)/im.exec(rest.slice(0, head + 2))?.[1] ?? 0);
      if (rest.length < head + 4 + length) return;
      received.push(rest.slice(0, head + 4 + length));
      rest = rest.slice(head + 4 + length);
    }
  });
  return {
    port: stream.localPort ?? 0,
    stream,
    send: (text: string) => void stream.write(Buffer.from(text, 'latin1')),
    close: () => void stream.destroy(),
  };
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}

/** What tells one request of ours from another. */
export interface RequestParts {
  readonly callId: string;
  readonly cseq?: number;
  readonly branch?: string;
  readonly toTag?: string;
  readonly extra?: readonly string[];
  readonly body?: string;
  readonly target: number;
}

/** A request as text. */
export function requestText(peer: RawPeer, method: string, parts: RequestParts): string {
  const { callId, cseq = 1, branch = `z9hG4bK-${callId}-${method}-${cseq}`, body = '' } = parts;
  const transport = peer.transport.toUpperCase();
  return [
    `${method} sip:echo@${LOOPBACK}:${parts.target};transport=${peer.transport} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${LOOPBACK}:${peer.port};rport;branch=${branch}`,
    `From: <sip:raw@${LOOPBACK}:${peer.port}>;tag=from-${callId}`,
    `To: <sip:echo@${LOOPBACK}:${parts.target}>${parts.toTag === undefined ? '' : `;tag=${parts.toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    'Max-Forwards: 70',
    `Contact: <sip:raw@${LOOPBACK}:${peer.port};transport=${peer.transport}>`,
    ...(parts.extra ?? []),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

/** An offer of G.711 on that port. */
export function offerText(port: number, extra: readonly string[] = []): string {
  return [
    'v=0',
    `o=raw 1 1 IN IP4 ${LOOPBACK}`,
    's=-',
    `c=IN IP4 ${LOOPBACK}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0 8`,
    ...extra,
    '',
  ].join('\r\n');
}

/** A response of that status to a request in text, as a peer would send it. */
export function responseText(request: string, status: string): string {
  const copied = request.split('\r\n').filter((line) => /^(via|from|to|call-id|cseq):/i.test(line));
  return [`SIP/2.0 ${status}`, ...copied, 'Content-Length: 0', '', ''].join('\r\n');
}

/** The status of a response, 0 of a request. */
export function statusOf(message: string): number {
  return Number(/^SIP\/2\.0 (\d{3})/.exec(message)?.[1] ?? 0);
}

/** A header field's value, the first of that name. */
export function headerOf(message: string, name: string): string {
  const head = message.slice(0, message.indexOf('\r\n\r\n'));
  return new RegExp(`^${name}\\s*:\\s*(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
}

/** The tag of the To field. */
export function toTagOf(message: string): string {
  return /;tag=([^;>\s]+)/i.exec(headerOf(message, 'To'))?.[1] ?? '';
}

/** A response of that status and CSeq ("1 INVITE"). */
export function isResponse(status: number, cseq: string): (message: string) => boolean {
  return (message) => statusOf(message) === status && headerOf(message, 'CSeq') === cseq;
}
