/**
 * What the screen knows: one reducer over the events, with bounds on everything. No clock: the time is that of the
 * last event or tick.
 *
 * The model is changed in place, because a thousand calls are measured twice a second and copying them would cost
 * more than drawing them. It has one owner (store.ts), and everything that draws only reads.
 */
import type { Event, EventOf } from '../events.ts';
import { type CallFacts, newCall, noteCallEvent } from './call-facts.ts';
import { Ring } from './ring.ts';

/** Log entries, ended calls, accounts and listeners that are kept. */
const LOG_KEPT = 5_000;
const ENDED_KEPT = 200;
const MAX_ACCOUNTS = 256;
const MAX_LISTENERS = 16;

/** An account and its registration. */
export interface AccountFacts {
  readonly account: string;
  state: EventOf<'registration.changed'>['to'];
  status: number | undefined;
  reason: string | undefined;
  /** Where its REGISTER went last: `tcp 192.0.2.1:5060`. */
  server: string | undefined;
  /** When the next REGISTER is due, be it a refresh or another try. */
  nextAtMs: number | undefined;
}

/** One line of the log. */
export interface LogEntry {
  /** Counts up without gaps, so that a place in the log can be held. */
  readonly number: number;
  readonly event: Event;
}

/** Mutable; the store owns it. */
export interface Model {
  /** On the clock of the events. */
  nowMs: number;
  version: string | undefined;
  /** Wall time of the start, in ms since 1970; for the clock in the log. */
  startedWallMs: number | undefined;
  stopped: { readonly reason: string; readonly exitCode: number } | undefined;
  readonly accounts: Map<string, AccountFacts>;
  readonly registrars: Map<string, string>;
  readonly listeners: EventOf<'listener.opened'>[];
  readonly addresses: Map<string, EventOf<'address.discovered'>>;
  /** In the order in which they came; those that ended go when there are too many. */
  readonly calls: Map<string, CallFacts>;
  readonly log: Ring<LogEntry>;
  live: number;
  peak: number;
  total: number;
  /** Handles of calls that ended, oldest first. */
  readonly ended: string[];
}

/** Nothing has happened yet. */
export function newModel(): Model {
  return {
    nowMs: 0,
    version: undefined,
    startedWallMs: undefined,
    stopped: undefined,
    accounts: new Map(),
    registrars: new Map(),
    listeners: [],
    addresses: new Map(),
    calls: new Map(),
    log: new Ring(LOG_KEPT),
    live: 0,
    peak: 0,
    total: 0,
    ended: [],
  };
}

/** What changes all the time is shown where it belongs, and would drown the log. */
const MEASURED: ReadonlySet<Event['type']> = new Set(['media.sampled', 'timers.changed']);

/** Whether an event says nothing but figures. */
export function isMeasured(event: Event): boolean {
  return MEASURED.has(event.type);
}

/** Takes one event in. */
export function applyEvent(model: Model, event: Event): void {
  model.nowMs = Math.max(model.nowMs, event.atMs);
  if (!isMeasured(event)) model.log.push({ number: model.log.added, event });
  switch (event.type) {
    case 'session.started':
      model.version = event.version;
      model.startedWallMs = Date.parse(event.wallTime) - event.atMs;
      break;
    case 'session.stopped':
      model.stopped = { reason: event.reason, exitCode: event.exitCode };
      break;
    case 'listener.opened':
      if (model.listeners.length < MAX_LISTENERS) model.listeners.push(event);
      break;
    case 'address.discovered':
      model.addresses.set(`${event.scope} ${event.address.includes(':') ? 6 : 4}`, event);
      break;
    case 'registration.changed':
      noteRegistration(model, event);
      break;
    case 'sip.sent':
      noteRegistrar(model, event);
      break;
  }
  if ('call' in event && event.call !== undefined) noteCall(model, event.call, event);
}

function noteRegistration(model: Model, event: Event & EventOf<'registration.changed'>): void {
  const { account, atMs, renewInMs, retryInMs, callId } = event;
  if (!model.accounts.has(account) && model.accounts.size >= MAX_ACCOUNTS) return;
  const inMs = renewInMs ?? retryInMs;
  model.accounts.set(account, {
    account,
    state: event.to,
    status: event.status,
    reason: event.reason,
    server: model.registrars.get(callId ?? '') ?? model.accounts.get(account)?.server,
    nextAtMs: inMs === undefined ? undefined : atMs + inMs,
  });
}

/** Where each registration goes, by its Call-ID: the event of a REGISTER names its peer, that of the account does not. */
function noteRegistrar({ registrars }: Model, event: EventOf<'sip.sent'>): void {
  const { callId, transport, remote, startLine } = event;
  if (callId === undefined || !startLine.startsWith('REGISTER ')) return;
  if (registrars.size < MAX_ACCOUNTS || registrars.has(callId))
    registrars.set(callId, `${transport} ${remote}`);
}

/** A call begins with its first `call.changed`: messages of what never became a call are in the log alone. */
function noteCall(model: Model, handle: string, event: Event): void {
  let call = model.calls.get(handle);
  if (call === undefined) {
    if (isMeasured(event) || event.type === 'media.stopped') return;
    call = newCall(handle, event.atMs);
    model.calls.set(handle, call);
    model.total += 1;
    model.live += 1;
    model.peak = Math.max(model.peak, model.live);
  }
  const wasLive = call.endedMs === undefined;
  noteCallEvent(call, event);
  if (!wasLive || call.endedMs === undefined) return;
  model.live -= 1;
  model.ended.push(handle);
  if (model.ended.length <= ENDED_KEPT) return;
  const oldest = model.ended.shift();
  if (oldest !== undefined) model.calls.delete(oldest);
}

/** Packets a second over all calls that stand. */
export function packetRates(model: Model): { readonly received: number; readonly sent: number } {
  let received = 0;
  let sent = 0;
  for (const { sample, endedMs } of model.calls.values()) {
    if (sample === undefined || endedMs !== undefined) continue;
    received += sample.packetsReceivedPerS;
    sent += sample.packetsSentPerS;
  }
  return { received, sent };
}
