/**
 * The passive observer: messages of others go through our parser, our transaction tables and our idea of a dialog, and
 * come out as the events that one side would have written (RFC 3261 §12, §13, §17).
 *
 * All messages are there from the start, so whether a refusal was the end or the first half of a retry can be looked
 * up instead of guessed.
 */
import { parseChallenges } from '../auth/challenge.ts';
import type { EventBody } from '../events.ts';
import { reportChallenges } from './challenge-report.ts';
import { refusedFor, rejectedEvent } from './malformed.ts';
import { fields, type SipRequest, type SipResponse, values } from './message.ts';
import { changeCall, type ObservedCall, observedCall } from './observed-call.ts';
import { directionOf, type Perspective, perspectiveOf } from './observed-exchange.ts';
import {
  acknowledged,
  ended,
  ending,
  inviteAnswered,
  judgeRest,
  refused,
  unanswered,
} from './observed-invite.ts';
import {
  type Direction,
  type ObservedMessage,
  type ReadMessage,
  readObserved,
  reportObserved,
} from './observed-message.ts';
import {
  type ObservedRegistration,
  observedRegistration,
  registerAnswered,
  registering,
  registerUnanswered,
} from './observed-registration.ts';
import { described, renegotiating } from './observed-session.ts';
import { type ObservedTransaction, ObservedTransactions } from './observed-transactions.ts';
import { readDescription } from './offer-body.ts';
import type { SipError } from './result.ts';
import { Turn } from './turn.ts';

/** An event, and when it was. */
export interface ObservedEvent {
  readonly atMs: number;
  readonly event: EventBody;
}

/** One Call-ID. */
interface Exchange {
  readonly perspective: Perspective;
  call: ObservedCall | undefined;
  registration: ObservedRegistration | undefined;
}

/** What happened, in order. `endMs`: when the file stopped looking; the last message when absent. */
export function observe(messages: readonly ObservedMessage[], endMs?: number): ObservedEvent[] {
  const observation = new Observation();
  const read = messages.map(readObserved);
  for (const one of read) if ('message' in one) observation.foresee(one);
  for (const [index, one] of read.entries()) {
    const observed = messages[index];
    if (observed === undefined) continue;
    if ('message' in one) observation.take(one);
    else observation.reject(observed, one);
  }
  observation.finish(endMs ?? messages.at(-1)?.atMs ?? 0);
  return observation.events;
}

/** What a REGISTER is sent again for at once (RFC 3261 §10.2.8, §22). */
const ASKS_AGAIN: ReadonlySet<number> = new Set([301, 302, 305, 401, 407, 423]);

class Observation {
  readonly events: ObservedEvent[] = [];
  private readonly exchanges = new Map<string, Exchange>();
  private readonly transactions = new ObservedTransactions();
  /** By Call-ID and method, the highest CSeq outside a dialog: what has a lower one was tried again. */
  private readonly tries = new Map<string, Map<string, number>>();
  private calls = 0;

  /** Before anything is told: which requests come again with another CSeq. */
  foresee({ message, core }: ReadMessage): void {
    if (message.kind !== 'request' || core.toTag !== undefined || message.method === 'ACK') return;
    const tries = this.tries.get(core.callId) ?? new Map<string, number>();
    this.tries.set(core.callId, tries);
    tries.set(message.method, Math.max(tries.get(message.method) ?? 0, core.cseq.number));
  }

  reject(observed: ObservedMessage, error: SipError): void {
    // It is the capture that is broken, not the message; whoever made it says so.
    if (observed.missing !== undefined) return;
    this.turn(observed.atMs, (turn) => turn.emit(rejectedEvent(observed, error)));
  }

  take(read: ReadMessage): void {
    this.expire(read.atMs);
    const exchange = this.exchangeOf(read);
    const transaction = this.transactions.find(read);
    const direction = directionOf(exchange.perspective, read, transaction);
    if (direction === 'elsewhere') return;
    this.turn(read.atMs, (turn) => {
      const { message } = read;
      if (message.kind === 'request') this.request(turn, exchange, read, message, direction, transaction);
      else this.response(turn, exchange, read, message, direction, transaction);
      const wrong = refusedFor(read);
      if (wrong !== undefined) turn.emit(rejectedEvent(read, wrong, exchange.call?.handle));
      this.checkBody(turn, exchange, read);
    });
  }

  /** What can be said once nothing more comes. */
  finish(endMs: number): void {
    this.expire(endMs);
    for (const { call } of this.exchanges.values()) {
      if (call === undefined) continue;
      this.turn(call.refusal?.atMs ?? endMs, (turn) => refused(turn, call));
      this.turn(endMs, (turn) => judgeRest(turn, call));
    }
  }

  private request(
    turn: Turn,
    exchange: Exchange,
    read: ReadMessage,
    request: SipRequest,
    direction: Direction,
    known: ObservedTransaction | undefined,
  ): void {
    const { method } = request;
    const first = method === 'INVITE' && read.core.toTag === undefined && exchange.call === undefined;
    if (first && known === undefined) {
      this.calls += 1;
      exchange.call = observedCall(read, request, direction, this.calls);
    }
    const { call } = exchange;
    if (known !== undefined || method === 'ACK') {
      reportObserved(turn, read, direction, call?.handle);
      if (known !== undefined) {
        this.transactions.step(turn, known, method === 'ACK' ? 'ack' : 'request', `${method} ${direction}`);
      }
      if (method === 'ACK' && known?.final === undefined && call !== undefined) {
        acknowledged(turn, call, read, direction);
      } else if (method === 'ACK' && call !== undefined) refused(turn, call);
      return;
    }
    if (first && call?.direction === 'outgoing') changeCall(turn, call, 'calling');
    // As our own layers say it: what is sent is opened first, what is received is seen first.
    if (direction === 'received') reportObserved(turn, read, direction, call?.handle);
    this.transactions.open(turn, read, request, direction, call?.handle);
    if (direction === 'sent') reportObserved(turn, read, direction, call?.handle);
    this.opened(turn, exchange, read, request, direction);
  }

  /** A request that was not seen before. */
  private opened(
    turn: Turn,
    exchange: Exchange,
    read: ReadMessage,
    request: SipRequest,
    direction: Direction,
  ): void {
    const { method } = request;
    if (method === 'REGISTER') {
      exchange.registration ??= observedRegistration(read);
      return registering(turn, exchange.registration);
    }
    const { call } = exchange;
    if (call === undefined) return;
    if (method === 'BYE') {
      // Another phone that answered as well is released by a BYE of its own (§13.2.2.4).
      if (isOfDialog(call, read, direction)) ending(turn, call, request, direction);
    } else if (method === 'CANCEL') call.cancelled = true;
    else if (method === 'INVITE' || method === 'UPDATE' || method === 'PRACK') {
      if (method !== 'PRACK' && request.body.length > 0) renegotiating(call);
      described(turn, call, read, direction);
    }
  }

  private response(
    turn: Turn,
    exchange: Exchange,
    read: ReadMessage,
    response: SipResponse,
    direction: Direction,
    transaction: ObservedTransaction | undefined,
  ): void {
    const { call, registration } = exchange;
    reportObserved(turn, read, direction, call?.handle);
    // A file may begin after the request: that is no fault of the response.
    if (transaction === undefined) return;
    const again = transaction.final !== undefined;
    this.transactions.responded(turn, transaction, response.status, direction);
    const { request } = transaction;
    const { method } = request;
    const retried = this.isRetried(transaction, response.status);
    if (!again && (response.status === 401 || response.status === 407)) {
      challenged(turn, exchange, response, response.status);
    }
    if (registration !== undefined && method === 'REGISTER' && !again) {
      return registerAnswered(turn, registration, request, response, retried);
    }
    if (call === undefined) return;
    if (method === 'BYE' && response.status >= 200) {
      const over = call.ending !== undefined && isOfDialog(call, transaction.read, transaction.direction);
      if (over && response.status !== 401 && response.status !== 407) ended(turn, call);
    } else if (method === 'INVITE' && transaction.read.core.toTag === undefined) {
      if (!again) inviteAnswered(turn, call, read, response, direction, retried);
    } else if (method === 'INVITE' || method === 'UPDATE' || method === 'PRACK') {
      if (!again && response.status < 300) described(turn, call, read, direction);
    }
  }

  /** A REGISTER that comes later is a retry only of what asks for one; it would come anyway. */
  private isRetried({ read, request }: ObservedTransaction, status: number): boolean {
    if (request.method === 'REGISTER' && !ASKS_AGAIN.has(status)) return false;
    const { callId, cseq, toTag } = read.core;
    const last = this.tries.get(callId)?.get(request.method) ?? 0;
    return toTag === undefined && last > cseq.number;
  }

  /** A session description that nobody can read, in a message that everybody can. */
  private checkBody(turn: Turn, exchange: Exchange, read: ReadMessage): void {
    const { message, bytes } = read;
    const type = fields(message, 'Content-Type')[0]?.value.split(';', 1)[0]?.trim().toLowerCase();
    if (message.body.length === 0 || read.missing !== undefined || type !== 'application/sdp') return;
    const described = readDescription(message);
    if (described.ok) return;
    const start = bytes.length - message.body.length;
    const { error } = described;
    const at = error.header === undefined ? { ...error, offset: start + error.offset } : error;
    turn.emit(rejectedEvent(read, at, exchange.call?.handle));
  }

  /** Whatever has waited too long by then. */
  private expire(nowMs: number): void {
    for (;;) {
      const due = this.transactions.overdue(nowMs);
      if (due === undefined) return;
      const { transaction, atMs } = due;
      const { call, registration } = this.exchangeOf(transaction.read);
      const name = transaction.request.method === 'INVITE' ? 'B' : 'F';
      this.turn(atMs, (turn) => {
        const about = transaction.call === undefined ? {} : { call: transaction.call };
        turn.emit({ type: 'timer.fired', ...about, name, transaction: transaction.id });
        this.transactions.step(turn, transaction, `timer ${name}`, `Timer ${name}`);
        const { method } = transaction.request;
        if (method === 'REGISTER' && registration !== undefined) registerUnanswered(turn, registration);
        else if (call === undefined) return;
        else if (method === 'BYE') ended(turn, call);
        else if (method === 'INVITE' && transaction.read.core.toTag === undefined) {
          unanswered(turn, call, transaction.read);
        }
      });
    }
  }

  private exchangeOf(read: ReadMessage): Exchange {
    const { callId } = read.core;
    const known = this.exchanges.get(callId);
    if (known !== undefined) return known;
    const exchange: Exchange = {
      perspective: perspectiveOf(read),
      call: undefined,
      registration: undefined,
    };
    this.exchanges.set(callId, exchange);
    return exchange;
  }

  private turn(atMs: number, what: (turn: Turn) => void): void {
    const turn = new Turn(atMs);
    what(turn);
    for (const output of turn.outputs)
      if (output.type === 'event') this.events.push({ atMs, event: output.event });
  }
}

/** Whether a request has the tag of the callee that the call is with. */
function isOfDialog(call: ObservedCall, { core }: ReadMessage, direction: Direction): boolean {
  const byCaller = (direction === 'sent') === (call.direction === 'outgoing');
  const tag = byCaller ? core.toTag : core.fromTag;
  return call.toTag === undefined || tag === call.toTag;
}

/** Somebody asks for credentials. */
function challenged(turn: Turn, exchange: Exchange, response: SipResponse, status: 401 | 407): void {
  const { call, registration } = exchange;
  const about =
    call !== undefined
      ? { call: call.handle }
      : registration !== undefined
        ? { account: registration.account }
        : undefined;
  if (about === undefined) return;
  const name = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
  const { challenges } = parseChallenges(values(response, name));
  reportChallenges(turn, status, challenges, about);
}
