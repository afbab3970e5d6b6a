/**
 * A peer on the virtual network that a test plays by hand: it sends what it is told, byte by byte if need be, keeps
 * what it receives, and answers nothing unless it was told how. Endpoints are tested against it, because two
 * endpoints of one make agree on each other's mistakes.
 */
import type { Input, Output } from '../sip/endpoint-io.ts';
import type { Flow, SocketAddress } from '../sip/flow.ts';
import { type SipMessage, type SipRequest, type SipResponse, value } from '../sip/message.ts';
import { parseMessage } from '../sip/parse-message.ts';
import { noteSource } from '../sip/rport.ts';
import {
  buildRequest,
  buildResponse,
  type HeaderLine,
  type ResponseParts,
  serialize,
} from '../sip/serialize-message.ts';
import { StreamFramer } from '../sip/stream-framing.ts';
import { bytesOf, latin1 } from '../sip/text.ts';
import { parseVia, withTopVia } from '../sip/via.ts';
import type { Actor, Node, VirtualNetwork } from './virtual.ts';

/** A message that came in. */
export interface Heard {
  readonly atMs: number;
  readonly flow: Flow;
  readonly message: SipMessage;
}

/** The status a peer answers a request with, and with what; undefined is silence. */
export type Answering = (request: SipRequest) => (ResponseParts & { readonly status: number }) | undefined;

/** A phone that lets itself be hung up on, and answers nothing else. */
export const answersBye: Answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);

export class VirtualPeer implements Actor {
  readonly heard: Heard[] = [];
  readonly node: Node;
  /** How requests are answered, at once. */
  answering: Answering = () => undefined;
  /** Where requests over UDP seem to come from: a NAT stands between. It is noted in their Via (RFC 3581 §4). */
  sees: SocketAddress | undefined;
  private readonly framers = new Map<number, StreamFramer>();
  private readonly remotes = new Map<number, SocketAddress>();
  private connections = 0;

  constructor(
    private readonly network: VirtualNetwork,
    name: string,
    readonly local: SocketAddress,
  ) {
    this.node = network.addActor(name, local, this, true);
  }

  handle(input: Input, nowMs: number): readonly Output[] {
    switch (input.type) {
      case 'datagram':
        return this.hear({ transport: 'udp', remote: input.remote }, input.bytes, nowMs);
      case 'connected':
        this.framers.set(input.connection, new StreamFramer());
        this.remotes.set(input.connection, input.remote);
        return [];
      case 'disconnected':
        this.framers.delete(input.connection);
        return [];
      case 'stream': {
        const { connection } = input;
        const remote = this.remotes.get(connection);
        if (remote === undefined) return [];
        const flow: Flow = { transport: 'tcp', remote, connection };
        const frames = this.framers.get(connection)?.push(input.bytes) ?? [];
        return frames.flatMap((frame) =>
          frame.type === 'message' ? this.hear(flow, frame.bytes, nowMs) : [],
        );
      }
      default:
        return [];
    }
  }

  deadlineMs(): number | undefined {
    return undefined;
  }

  /** Streams that stand, by number. */
  get streams(): readonly number[] {
    return [...this.framers.keys()];
  }

  /** Opens a stream; it is up after twice the latency. */
  connect(remote: SocketAddress): Flow {
    this.connections += 2;
    const connection = this.connections;
    this.network.carryOut(this.node, [{ type: 'connect', connection, transport: 'tcp', remote }]);
    return { transport: 'tcp', remote, connection };
  }

  disconnect(flow: Flow): void {
    if (flow.connection === undefined) return;
    this.framers.delete(flow.connection);
    this.network.carryOut(this.node, [{ type: 'disconnect', connection: flow.connection }]);
  }

  /** Any bytes to an address over UDP, or on a stream. */
  sendBytes(to: SocketAddress | Flow, bytes: Uint8Array): void {
    const flow: Flow = 'transport' in to ? to : { transport: 'udp', remote: to };
    this.network.carryOut(this.node, [{ type: 'send', flow, bytes }]);
  }

  /** Any text; `\n` becomes CRLF. */
  sendText(to: SocketAddress | Flow, text: string): void {
    this.sendBytes(to, bytesOf(text.replaceAll(/\r?\n/g, '\r\n')));
  }

  /** A request of those fields; Content-Length is added. */
  request(
    to: SocketAddress | Flow,
    method: string,
    uri: string,
    headers: readonly HeaderLine[],
    body = '',
  ): void {
    this.sendBytes(to, serialize(buildRequest({ method, uri, headers, body })));
  }

  /** Answers a request that was heard, where it came from. */
  respond({ flow, message }: Heard, status: number, parts: ResponseParts = {}): void {
    if (message.kind !== 'request') throw new Error('a response is not answered');
    this.sendBytes(flow, serialize(buildResponse(message, status, parts)));
  }

  /** The requests of that method that were heard, retransmissions and all. */
  requests(method: string): (Heard & { readonly message: SipRequest })[] {
    return this.heard.filter(
      (one): one is Heard & { message: SipRequest } =>
        one.message.kind === 'request' && one.message.method === method,
    );
  }

  /** The responses to that method that were heard, retransmissions and all. */
  responses(method: string): (Heard & { readonly message: SipResponse })[] {
    return this.heard.filter(
      (one): one is Heard & { message: SipResponse } =>
        one.message.kind === 'response' && (value(one.message, 'CSeq') ?? '').endsWith(` ${method}`),
    );
  }

  private hear(flow: Flow, bytes: Uint8Array, nowMs: number): readonly Output[] {
    // A keepalive (RFC 5626 §3.5.1).
    if (bytes.every((byte) => byte === 0x0d || byte === 0x0a)) return [];
    const parsed = parseMessage(bytes);
    if (!parsed.ok) throw new Error(`${parsed.error.detail} in: ${latin1(bytes)}`);
    const message = parsed.value;
    this.heard.push({ atMs: nowMs, flow, message });
    if (message.kind !== 'request') return [];
    const answer = this.answering(message);
    if (answer === undefined) return [];
    const { status, ...parts } = answer;
    const asked = this.sees === undefined ? message : withSeen(message, this.sees);
    return [{ type: 'send', flow, bytes: serialize(buildResponse(asked, status, parts)) }];
  }
}

/** The request as a server notes it that saw it come from there. */
function withSeen(request: SipRequest, source: SocketAddress): SipRequest {
  const via = parseVia(value(request, 'Via') ?? '');
  if (!via.ok) throw new Error(via.error.detail);
  return withTopVia(request, noteSource(via.value, source));
}
