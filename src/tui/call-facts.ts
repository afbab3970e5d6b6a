/**
 * What the screen knows of one call: the last word on everything, its messages, and half a minute of its audio.
 */
import type { Event, EventOf } from '../events.ts';
import { Ring } from './ring.ts';

/** Measurements kept for the sparkline: 30 s at two a second. */
const SAMPLES_KEPT = 60;
/** Entries of a call's ladder. A call of an hour with a refresh every minute has fewer. */
const LADDER_KEPT = 300;
/** Transactions and diagnoses of one call that are shown. */
const MAX_TRANSACTIONS = 64;
const MAX_DIAGNOSES = 16;

/** One event of a call's ladder. */
export type LadderEvent = EventOf<
  | 'sip.sent'
  | 'sip.received'
  | 'sip.rejected'
  | 'transaction.changed'
  | 'dialog.changed'
  | 'call.changed'
  | 'timer.fired'
  | 'auth.challenged'
  | 'dtmf.received'
  | 'media.started'
  | 'media.latched'
  | 'media.stopped'
  | 'diagnosis.raised'
>;

/** An entry of the ladder, with its time. */
export interface LadderEntry {
  readonly atMs: number;
  readonly event: Event & LadderEvent;
  /** A message that was sent or received before: same start line, CSeq and branch. */
  readonly again: boolean;
}

/** A timer that runs. */
export interface TimerFacts {
  readonly name: string;
  readonly firesAtMs: number;
}

/** A transaction as it was last seen. */
export interface TransactionFacts {
  readonly kind: string;
  readonly method: string;
  readonly state: string;
  readonly cause: string;
  readonly sinceMs: number;
  readonly timers: readonly TimerFacts[];
}

/** Mutable; the model owns it. */
export interface CallFacts {
  readonly handle: string;
  callId: string;
  direction: 'incoming' | 'outgoing';
  peer: string;
  displayName: string | undefined;
  state: EventOf<'call.changed'>['to'];
  status: number | undefined;
  reason: string | undefined;
  readonly begunMs: number;
  answeredMs: number | undefined;
  endedMs: number | undefined;
  media: EventOf<'media.started'> | undefined;
  latched: EventOf<'media.latched'> | undefined;
  sample: EventOf<'media.sampled'> | undefined;
  totals: EventOf<'media.stopped'> | undefined;
  /** Packets a second from the peer, one for each measurement. */
  readonly received: Ring<number>;
  /** Interarrival jitter, in ms, and packets lost since the measurement before. */
  readonly jitter: Ring<number>;
  readonly lost: Ring<number>;
  readonly diagnoses: EventOf<'diagnosis.raised'>[];
  readonly ladder: Ring<LadderEntry>;
  readonly transactions: Map<string, TransactionFacts>;
  /** Deadlines of the call itself: ringing, the missing ACK, the session's end. */
  timers: readonly TimerFacts[];
}

/** A call of which nothing is known yet. */
export function newCall(handle: string, atMs: number): CallFacts {
  return {
    handle,
    callId: '',
    direction: 'incoming',
    peer: '',
    displayName: undefined,
    state: 'idle',
    status: undefined,
    reason: undefined,
    begunMs: atMs,
    answeredMs: undefined,
    endedMs: undefined,
    media: undefined,
    latched: undefined,
    sample: undefined,
    totals: undefined,
    received: new Ring(SAMPLES_KEPT),
    jitter: new Ring(SAMPLES_KEPT),
    lost: new Ring(SAMPLES_KEPT),
    diagnoses: [],
    ladder: new Ring(LADDER_KEPT),
    transactions: new Map(),
    timers: [],
  };
}

/** Takes one event of a call into its facts. */
export function noteCallEvent(call: CallFacts, event: Event): void {
  switch (event.type) {
    case 'call.changed':
      noteState(call, event);
      break;
    case 'media.started':
      call.media = event;
      break;
    case 'media.latched':
      call.latched = event;
      break;
    case 'media.sampled':
      call.jitter.push(event.jitterMs ?? 0);
      call.lost.push(Math.max(0, event.lost - (call.sample?.lost ?? 0)));
      call.sample = event;
      call.received.push(event.packetsReceivedPerS);
      return;
    case 'media.stopped':
      call.totals = event;
      break;
    case 'diagnosis.raised':
      if (call.diagnoses.length < MAX_DIAGNOSES) call.diagnoses.push(event);
      break;
    case 'transaction.changed': {
      const { id, kind, method, to, cause } = event;
      if (call.transactions.size >= MAX_TRANSACTIONS && !call.transactions.has(id)) {
        const [oldest] = call.transactions.keys();
        if (oldest !== undefined) call.transactions.delete(oldest);
      }
      const timers = call.transactions.get(id)?.timers ?? [];
      call.transactions.set(id, { kind, method, state: to, cause, sinceMs: event.atMs, timers });
      break;
    }
    case 'timers.changed':
      noteTimers(call, event);
      return;
  }
  if (isLadderEvent(event)) {
    call.ladder.push({ atMs: event.atMs, event, again: wasSeen(call, event) });
  }
}

function noteState(call: CallFacts, event: Event & EventOf<'call.changed'>): void {
  call.callId = event.callId;
  call.direction = event.direction;
  call.peer = event.peer;
  call.displayName = event.displayName ?? call.displayName;
  call.state = event.to;
  call.status = event.status ?? call.status;
  call.reason = event.reason ?? call.reason;
  if (event.to === 'established') call.answeredMs ??= event.atMs;
  if (event.to === 'terminated') call.endedMs = event.atMs;
}

function noteTimers(call: CallFacts, event: Event & EventOf<'timers.changed'>): void {
  const timers = event.timers.map(({ name, inMs }) => ({ name, firesAtMs: event.atMs + inMs }));
  if (event.transaction === undefined) {
    call.timers = timers;
    return;
  }
  const known = call.transactions.get(event.transaction);
  if (known !== undefined) call.transactions.set(event.transaction, { ...known, timers });
}

const LADDER_TYPES: ReadonlySet<Event['type']> = new Set<LadderEvent['type']>([
  'sip.sent',
  'sip.received',
  'sip.rejected',
  'transaction.changed',
  'dialog.changed',
  'call.changed',
  'timer.fired',
  'auth.challenged',
  'dtmf.received',
  'media.started',
  'media.latched',
  'media.stopped',
  'diagnosis.raised',
]);

function isLadderEvent(event: Event): event is Event & LadderEvent {
  return LADDER_TYPES.has(event.type);
}

/** A retransmission has the branch, the CSeq and the start line of a message that went the same way. */
function wasSeen(call: CallFacts, event: LadderEvent): boolean {
  if (event.type !== 'sip.sent' && event.type !== 'sip.received') return false;
  for (const { event: before } of call.ladder) {
    if (
      before.type === event.type &&
      before.branch === event.branch &&
      before.cseq === event.cseq &&
      before.startLine === event.startLine
    ) {
      return true;
    }
  }
  return false;
}

/** How long a call has been answered, or was; undefined when it never was. Milliseconds. */
export function talkedMs(call: CallFacts, nowMs: number): number | undefined {
  return call.answeredMs === undefined ? undefined : (call.endedMs ?? nowMs) - call.answeredMs;
}
