/**
 * A stage for tests: one transaction layer, one peer, a clock that jumps, and a log of all that happened.
 *
 * Messages go in as text and come out as text, through the real parser and serializer (RFC 3261 §7), because a
 * transaction that only works on hand-made objects proves little. Nothing outside the tests imports it.
 */
import { type CoreHeaders, readCoreHeaders } from './core-headers.ts';
import type { Flow, Transport } from './flow.ts';
import type { SipMessage, SipRequest, SipResponse } from './message.ts';
import { parseMessage } from './parse-message.ts';
import { ownCore } from './requests.ts';
import { buildResponse, responseBytes } from './serialize-message.ts';
import { bytesOf, latin1 } from './text.ts';
import { RFC_TIMERS, type TimerBase } from './timers.ts';
import type { ClientTransaction, Indication, ServerTransaction } from './transaction.ts';
import { TransactionLayer } from './transactions.ts';
import { TransportLayer } from './transport-layer.ts';
import { Turn } from './turn.ts';

/** What happened, in order. `sent` has the message, `changed` the states, `timer` the RFC's letter. */
export type Entry =
  | { readonly atMs: number; readonly type: 'sent'; readonly text: string; readonly flow: Flow }
  | { readonly atMs: number; readonly type: 'changed'; readonly from: string; readonly to: string }
  | { readonly atMs: number; readonly type: 'timer'; readonly name: string }
  | { readonly atMs: number; readonly type: 'told'; readonly what: 'response' | 'timeout' | 'failed' };

/** The peer of every test. */
const REMOTE = { address: '192.0.2.1', port: 5060 };
export const DATAGRAMS: Flow = { transport: 'udp', remote: REMOTE };
export const STREAM: Flow = { transport: 'tcp', remote: REMOTE, connection: 1 };

/** A request as the peer would send it. Lines given replace those of the same name; an empty value takes one out. */
export function requestText(method: string, lines: Readonly<Record<string, string>> = {}): string {
  const { uri = 'sip:echo@198.51.100.1', ...given } = lines;
  const headers: Record<string, string> = {
    Via: 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-peer-1',
    'Max-Forwards': '70',
    From: '<sip:100@lab.local>;tag=peer',
    To: '<sip:echo@lab.local>',
    'Call-ID': 'stage-1',
    CSeq: `1 ${method}`,
    ...given,
  };
  const kept = Object.entries(headers).filter(([, value]) => value !== '');
  const head = kept.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `${method} ${uri} SIP/2.0\r\n${head}Content-Length: 0\r\n\r\n`;
}

/** A message and its core headers, from text that must be right. */
export function read(text: string): { readonly message: SipMessage; readonly core: CoreHeaders } {
  const parsed = parseMessage(bytesOf(text));
  if (!parsed.ok) throw new Error(parsed.error.detail);
  const core = readCoreHeaders(parsed.value);
  if (!core.ok) throw new Error(core.error.detail);
  return { message: parsed.value, core: core.value };
}

/** A request and its core headers, from text that must be right. */
export function readRequest(text: string): { readonly message: SipRequest; readonly core: CoreHeaders } {
  const { message, core } = read(text);
  if (message.kind !== 'request') throw new Error('a response');
  return { message, core };
}

/** A transaction layer alone on a flow. */
export function openStage(transport: Transport = 'udp', base: TimerBase = RFC_TIMERS) {
  const transports = new TransportLayer(false);
  const layer = new TransactionLayer<string>(transports, base, false);
  const flow = transport === 'udp' ? DATAGRAMS : STREAM;
  const log: Entry[] = [];
  const opened: (ServerTransaction | ClientTransaction<string>)[] = [];
  let nowMs = 0;

  /** Does something at the present time and writes down what came of it. */
  function act<T>(doing: (turn: Turn) => T): T {
    const turn = new Turn(nowMs);
    const result = doing(turn);
    for (const output of turn.outputs) {
      if (output.type === 'send') {
        log.push({ atMs: nowMs, type: 'sent', text: latin1(output.bytes), flow: output.flow });
      } else if (output.type === 'event' && output.event.type === 'transaction.changed') {
        log.push({ atMs: nowMs, type: 'changed', from: output.event.from, to: output.event.to });
      } else if (output.type === 'event' && output.event.type === 'timer.fired') {
        log.push({ atMs: nowMs, type: 'timer', name: output.event.name });
      }
    }
    return result;
  }

  function told(indication: Indication<string> | undefined): void {
    if (indication !== undefined) log.push({ atMs: nowMs, type: 'told', what: indication.type });
  }

  if (flow.connection !== undefined) {
    const { connection, remote } = flow;
    act((turn) => transports.connections.connected(turn, connection, transport, remote));
  }

  const stage = {
    layer,
    transports,
    flow,
    log,
    act,
    get nowMs(): number {
      return nowMs;
    },

    /** The peer's request: a new server transaction, or what it came to. */
    receive(text: string): ServerTransaction | 'passed' | 'absorbed' | 'unmatched' {
      const { message, core } = readRequest(text);
      const known = layer.matchServer(message, core);
      if (known !== undefined) {
        return act((turn) => layer.receiveAgain(turn, known, message)) ? 'passed' : 'absorbed';
      }
      if (message.method === 'ACK') return 'unmatched';
      const server = act((turn) => layer.openServer(turn, message, core, flow, undefined, text.length));
      opened.push(server);
      return server;
    },

    /** The same, when it must be new. */
    open(text: string): ServerTransaction {
      const received = stage.receive(text);
      if (typeof received === 'string') throw new Error(received);
      return received;
    },

    respond(transaction: ServerTransaction, status: number): void {
      const bytes = responseBytes(transaction.request, status, { toTag: 'ours' });
      act((turn) => layer.respond(turn, transaction, status, bytes));
    },

    /** A request of ours, in a client transaction whose user is "user". */
    send(text: string): ClientTransaction<string> {
      const { message } = readRequest(text);
      const client = act((turn) =>
        layer.openClient(turn, message, ownCore(message), flow, 'user', undefined),
      );
      opened.push(client);
      return client;
    },

    /** The peer's response to that request; false when it matches no transaction. */
    answer(transaction: ClientTransaction<string>, status: number, toTag = 'peer'): boolean {
      const response = buildResponse(transaction.request, status, { toTag });
      return stage.receiveResponse(response, transaction.core);
    },

    receiveResponse(response: SipResponse, core: CoreHeaders): boolean {
      const known = layer.matchClient(core);
      if (known !== undefined) told(act((turn) => layer.receiveResponse(turn, known, response)));
      return known !== undefined;
    },

    fail(): void {
      for (const one of opened) told(act((turn) => layer.transportFailed(turn, one, 'connection refused')));
    },

    /** Jumps to the next deadline and does what is due; false when nothing is armed. */
    next(): boolean {
      const atMs = layer.nextMs();
      if (atMs === undefined) return false;
      nowMs = Math.max(nowMs, atMs);
      for (const indication of act((turn) => layer.advance(turn))) told(indication);
      return true;
    },

    /** The machine slept until then: all that is overdue is done in one turn. */
    wakeAt(atMs: number): void {
      nowMs = atMs;
      for (const indication of act((turn) => layer.advance(turn))) told(indication);
    },

    /** Lets time pass, deadline by deadline. */
    runTo(atMs: number): void {
      for (let dueMs = layer.nextMs(); dueMs !== undefined && dueMs <= atMs; dueMs = layer.nextMs())
        stage.next();
      nowMs = Math.max(nowMs, atMs);
    },

    /** When messages went out whose start line begins so. */
    sentAt(start: string): number[] {
      return log.flatMap((entry) =>
        entry.type === 'sent' && entry.text.startsWith(start) ? [entry.atMs] : [],
      );
    },

    /** The last message that went out. */
    get lastSent(): string {
      const sent = log.filter((entry) => entry.type === 'sent');
      return sent.at(-1)?.text ?? '';
    },

    /** What the transaction user was told, in order, by what and when. */
    get heard(): string[] {
      return log.flatMap((entry) => (entry.type === 'told' ? [`${entry.what} at ${entry.atMs}`] : []));
    },
  };
  return stage;
}

export type Stage = ReturnType<typeof openStage>;
