/**
 * The story of a session, folded out of its events: for each call, registration or other exchange its messages, its
 * transactions with their states and times, what was described and agreed, and how it ended. What `--transcript` writes
 * and `replay` explains comes from here.
 *
 * A service runs for months: so each list has a bound, and what was left out is counted.
 */
import type { Event, EventOf } from '../events.ts';
import { type Exchange, exchangeFinder } from './exchange.ts';
import { headerOf, type SdpSummary, sdpIn, uriIn } from './message-text.ts';

/** Exchanges that are kept: the last ones. */
export const MAX_EXCHANGES = 200;
/** Steps of one exchange: the first ones. */
export const MAX_STEPS = 400;
/** Transactions of one exchange: the first ones. */
export const MAX_TRANSACTIONS = 100;

/** A message on the way, or something that was said about it. */
export type Step =
  | {
      readonly type: 'message';
      readonly atMs: number;
      readonly sent: boolean;
      /** "INVITE", "180 Ringing". */
      readonly label: string;
      readonly cseq: string;
      /** The same message again. */
      readonly again: boolean;
      readonly sdp?: SdpSummary;
    }
  | { readonly type: 'note'; readonly atMs: number; readonly text: string };

/** One request and its answers. */
export interface TransactionTold {
  /** Of the events; absent where nobody said it. */
  id?: string;
  readonly method: string;
  readonly cseq: string;
  readonly sent: boolean;
  readonly startedMs: number;
  /** "180 Ringing", in order. */
  readonly provisional: string[];
  final?: string;
  finalMs?: number;
  /** How often the request and its final response went again. */
  repeated: number;
  readonly states: { readonly atMs: number; readonly state: string }[];
}

/** One exchange. */
export interface ExchangeTold {
  readonly kind: Exchange['kind'];
  readonly key: string;
  /** Both sides as the first message names them. */
  from?: string;
  to?: string;
  remote?: string;
  transport?: string;
  readonly startedMs: number;
  readonly steps: Step[];
  stepsLeftOut: number;
  readonly transactions: TransactionTold[];
  /** What each side said it takes, in order; `sent` is ours. */
  readonly descriptions: { readonly sent: boolean; readonly label: string; readonly sdp: SdpSummary }[];
  readonly media: EventOf<'media.started'>[];
  totals?: EventOf<'media.stopped'>;
  readonly diagnoses: EventOf<'diagnosis.raised'>[];
  /** Of a call or a registration, the last one. */
  state?: string;
  status?: number;
  reason?: string;
  establishedMs?: number;
  endedMs?: number;
  durationMs?: number;
  expiresS?: number;
}

/** All of it. */
export interface Story {
  readonly startedAt?: string;
  readonly exchanges: readonly ExchangeTold[];
  /** Earlier ones that are gone. */
  readonly exchangesLeftOut: number;
  readonly rejected: readonly (EventOf<'sip.rejected'> & { readonly atMs: number })[];
  readonly rejectedLeftOut: number;
}

/** Folds events. `tell` may be called at any time. */
export interface StoryTeller {
  readonly event: (event: Event) => void;
  readonly tell: () => Story;
}

/** A new story. */
export function storyTeller(): StoryTeller {
  const find = exchangeFinder();
  const exchanges = new Map<string, ExchangeTold>();
  const rejected: (EventOf<'sip.rejected'> & { readonly atMs: number })[] = [];
  let leftOut = 0;
  let rejectedLeftOut = 0;
  let startedAt: string | undefined;
  let waiting: Event[] = [];

  const exchangeAt = ({ kind, key }: Exchange, atMs: number): ExchangeTold => {
    const known = exchanges.get(key);
    if (known !== undefined) return known;
    const told = newExchange(kind, key, atMs);
    exchanges.set(key, told);
    const [oldest] = exchanges.keys();
    if (exchanges.size > MAX_EXCHANGES && oldest !== undefined) {
      exchanges.delete(oldest);
      leftOut += 1;
    }
    return told;
  };
  return {
    event(event) {
      if (event.type === 'session.started') startedAt = event.wallTime;
      if (event.type === 'sip.rejected') {
        if (rejected.length < MAX_STEPS) rejected.push(event);
        else rejectedLeftOut += 1;
      }
      const exchange = find(event);
      if (exchange === 'next') waiting.push(event);
      else if (exchange !== undefined) {
        const told = exchangeAt(exchange, event.atMs);
        for (const earlier of waiting) take(told, earlier);
        waiting = [];
        take(told, event);
      }
    },
    tell: () => ({
      ...(startedAt === undefined ? {} : { startedAt }),
      exchanges: [...exchanges.values()],
      exchangesLeftOut: leftOut,
      rejected,
      rejectedLeftOut,
    }),
  };
}

function newExchange(kind: Exchange['kind'], key: string, startedMs: number): ExchangeTold {
  return {
    kind,
    key,
    startedMs,
    steps: [],
    stepsLeftOut: 0,
    transactions: [],
    descriptions: [],
    media: [],
    diagnoses: [],
  };
}

/** One event of one exchange. */
function take(told: ExchangeTold, event: Event): void {
  switch (event.type) {
    case 'sip.sent':
    case 'sip.received':
      return takeMessage(told, event);
    case 'transaction.changed':
      return takeState(told, event);
    case 'call.changed':
    case 'registration.changed':
      return takeChange(told, event);
    case 'media.started':
      if (told.media.length < MAX_TRANSACTIONS) told.media.push(event);
      return;
    case 'media.stopped':
      told.totals = event;
      return;
    case 'diagnosis.raised':
      if (told.diagnoses.length < MAX_TRANSACTIONS) told.diagnoses.push(event);
      return step(told, { type: 'note', atMs: event.atMs, text: `${event.code}: ${event.evidence}` });
    case 'sip.rejected':
      return step(told, { type: 'note', atMs: event.atMs, text: `rejected, ${event.code}: ${event.detail}` });
    case 'dtmf.received':
      return step(told, { type: 'note', atMs: event.atMs, text: `key ${event.digit}` });
  }
}

function takeMessage(told: ExchangeTold, event: Event & EventOf<'sip.sent' | 'sip.received'>): void {
  const sent = event.type === 'sip.sent';
  const response = /^SIP\/\d\.\d (.*)$/.exec(event.startLine)?.[1];
  const label = response ?? event.startLine.split(' ', 1)[0] ?? '';
  const cseq = event.cseq ?? '';
  if (told.from === undefined && event.raw !== undefined) {
    told.from = uriIn(headerOf(event.raw, 'from', 'f')) ?? '';
    told.to = uriIn(headerOf(event.raw, 'to', 't')) ?? '';
  }
  told.remote ??= event.remote;
  told.transport ??= event.transport;
  const sdp = event.raw === undefined ? undefined : sdpIn(event.raw);
  const again = takeTransaction(told, event.atMs, sent, label, response === undefined, cseq);
  if (sdp !== undefined && !again && told.descriptions.length < MAX_TRANSACTIONS) {
    told.descriptions.push({ sent, label, sdp });
  }
  const message: Step = { type: 'message', atMs: event.atMs, sent, label, cseq, again };
  step(told, sdp === undefined ? message : { ...message, sdp });
}

/** Notes a message with its transaction. Whether it was there before. */
function takeTransaction(
  told: ExchangeTold,
  atMs: number,
  sent: boolean,
  label: string,
  request: boolean,
  cseq: string,
): boolean {
  const bySender = request ? sent : !sent;
  const known = told.transactions.findLast((one) => one.cseq === cseq && one.sent === bySender);
  if (request) {
    if (label === 'ACK') return false;
    if (known !== undefined) {
      known.repeated += 1;
      return true;
    }
    if (told.transactions.length >= MAX_TRANSACTIONS) return false;
    // The transaction was opened a moment before its request went out.
    const opened = told.transactions.findLast(
      (one) => one.cseq === '' && one.method === label && one.sent === sent,
    );
    const made = { method: label, cseq, sent, startedMs: atMs, provisional: [], repeated: 0 };
    if (opened !== undefined) told.transactions[told.transactions.indexOf(opened)] = { ...opened, ...made };
    else told.transactions.push({ ...made, states: [] });
    return false;
  }
  if (known === undefined) return false;
  if (label.startsWith('1')) {
    if (known.provisional.includes(label)) return true;
    known.provisional.push(label);
    return false;
  }
  if (known.final !== undefined) {
    known.repeated += 1;
    return true;
  }
  known.final = label;
  known.finalMs = atMs;
  return false;
}

function takeState(told: ExchangeTold, event: Event & EventOf<'transaction.changed'>): void {
  const { atMs, to: state, method, from, id } = event;
  const sent = event.kind.endsWith('-client');
  if (from === 'none' && sent) {
    if (told.transactions.length >= MAX_TRANSACTIONS) return;
    const opened = { id, method, cseq: '', sent, startedMs: atMs, provisional: [], repeated: 0 };
    told.transactions.push({ ...opened, states: [{ atMs, state }] });
    return;
  }
  let known = told.transactions.findLast((one) => one.id === id);
  if (known === undefined && from === 'none') {
    known = told.transactions.findLast((one) => one.method === method && !one.sent && one.id === undefined);
    if (known !== undefined) known.id = id;
  }
  if (known !== undefined && known.states.length < MAX_TRANSACTIONS) known.states.push({ atMs, state });
}

function takeChange(
  told: ExchangeTold,
  event: Event & EventOf<'call.changed' | 'registration.changed'>,
): void {
  const { to, status, reason, atMs } = event;
  told.state = to;
  if (status !== undefined) told.status = status;
  if (reason !== undefined) told.reason = reason;
  if (event.type === 'call.changed') {
    if (to === 'established') told.establishedMs ??= atMs;
    if (to === 'terminated') told.endedMs = atMs;
    if (event.durationMs !== undefined) told.durationMs = event.durationMs;
  } else if (event.expiresS !== undefined) told.expiresS = event.expiresS;
  if (to === 'calling' || to === 'ringing' || to === 'answered' || to === 'registering') return;
  const why = reason === undefined ? '' : ` (${reason})`;
  step(told, { type: 'note', atMs, text: `${to}${why}` });
}

function step(told: ExchangeTold, one: Step): void {
  if (told.steps.length < MAX_STEPS) told.steps.push(one);
  else told.stepsLeftOut += 1;
}
