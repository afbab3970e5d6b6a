/**
 * Session timers (RFC 4028): a session that nobody refreshes in time is over, so that a peer which vanished
 * without a BYE leaves no call behind.
 *
 * We run one when the caller, or a proxy on its way, asks for it (§9), and do what was agreed: refresh at half the
 * interval (session-refresh.ts), or end the call shortly before the interval is over (§10).
 */
import type { Call } from './call.ts';
import type { CallStore } from './call-store.ts';
import { endCall } from './hang-up.ts';
import { field, type SipMessage, type SipRequest, type SipResponse } from './message.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { refuse } from './refusal.ts';
import { ok, type Result, type SipError, sipError } from './result.ts';
import type { HeaderLine } from './serialize-message.ts';
import { parseMinSe, parseSessionExpires, type SessionExpires } from './session-expires.ts';
import { parseOptionTags, parseTokens } from './token-list.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';

/** The shortest interval that anybody may set, in seconds (§5). */
const MIN_INTERVAL_S = 90;
/** The longest that we agree to, in seconds, unless the caller's Min-SE is above it: a day. */
const MAX_INTERVAL_S = 86_400;
/** The call ends so long before the interval is over, or a third of it when that is less, in seconds (§10). */
const MARGIN_S = 32;

/** What was agreed for a call. */
export interface SessionTimer {
  intervalS: number;
  /** The largest Min-SE that was seen, in seconds (§7.4). */
  minIntervalS: number;
  readonly weRefresh: boolean;
  /** Whether the peer takes UPDATE, which needs no offer (§7.4). */
  readonly byUpdate: boolean;
}

/** Refuses an interval that is too short (422 with Min-SE, §9), or cannot be read (400). True when it did. */
export function refuseInterval(store: CallStore, turn: Turn, transaction: ServerTransaction): boolean {
  const error = intervalError(transaction.request);
  if (error === undefined) return false;
  const headers: HeaderLine[] = error.status === 422 ? [['Min-SE', `${MIN_INTERVAL_S}`]] : [];
  refuse(store.agent, turn, transaction, error, { headers });
  return true;
}

function intervalError(request: SipRequest): SipError | undefined {
  const asked = askedInterval(request);
  if (!asked.ok) return asked.error;
  const least = leastInterval(request);
  if (!least.ok) return least.error;
  // §9: a caller without timers, whose proxy asks, would make nothing of a 422. It gets the shortest there is.
  if (asked.value === undefined || asked.value.seconds >= MIN_INTERVAL_S) return undefined;
  if (!supportsTimer(request)) return undefined;
  const detail = `a session of ${asked.value.seconds} s; ${MIN_INTERVAL_S} s are the least`;
  return sipError('session-interval-too-small', 422, detail);
}

/**
 * Agrees on the timer that a request asks for, none when it asks for none, and starts it (§9). Returns what the 2xx
 * has to say about it.
 */
export function agreeInterval(
  store: CallStore,
  turn: Turn,
  call: Call,
  request: SipRequest,
): readonly HeaderLine[] {
  const asked = askedInterval(request);
  if (!asked.ok || asked.value === undefined) {
    // §9: no Session-Expires in the 2xx, and the session lasts until the BYE.
    if (call.session !== undefined) stopSessionTimer(store, call);
    return [];
  }
  const least = leastInterval(request);
  const supported = supportsTimer(request);
  const minIntervalS = Math.max(MIN_INTERVAL_S, least.ok ? least.value : 0);
  const intervalS = Math.max(Math.min(asked.value.seconds, MAX_INTERVAL_S), minIntervalS);
  // §9, Table 2: one who has no timers cannot refresh; one who has may choose, and is asked to when he did not.
  const refresher = supported ? (asked.value.refresher ?? 'uac') : 'uas';
  const allowed = parseTokens(request, 'Allow');
  const byUpdate = request.method === 'UPDATE' || (allowed.ok && allowed.value.includes('UPDATE'));
  call.session = { intervalS, minIntervalS, weRefresh: refresher === 'uas', byUpdate };
  startSessionTimer(store, turn, call, call.session);
  const header: HeaderLine = ['Session-Expires', `${intervalS};refresher=${refresher}`];
  return supported ? [header, ['Require', 'timer']] : [header];
}

/** What a re-INVITE or UPDATE of ours says of the session timer. */
export function intervalHeaders({ session }: Call): readonly HeaderLine[] {
  if (session === undefined) return [];
  return [
    // We are the client of this request, so we are its `uac` whatever we were before (§7.4).
    ['Session-Expires', `${session.intervalS};refresher=uac`],
    ['Min-SE', `${session.minIntervalS}`],
  ];
}

/** What the first INVITE of a call of ours asks for (§7.1): the interval that §4 recommends. */
export const FIRST_INTERVAL = { intervalS: 1_800, minIntervalS: MIN_INTERVAL_S, refused: 0 };
/** How often an interval may be too short for somebody before the call is given up. */
const MAX_INTERVAL_REFUSALS = 3;

type Interval = OutgoingInvite['interval'];

/** What an INVITE of ours asks for. Who refreshes is left to the other side (§7.1). */
export function intervalAsked({ intervalS, minIntervalS }: Interval): readonly HeaderLine[] {
  return [
    ['Session-Expires', `${intervalS}`],
    ['Min-SE', `${minIntervalS}`],
  ];
}

/** What to ask for after a 422 (§7.3); undefined when asking again would lead nowhere. */
export function afterRefusal(asked: Interval, response: SipResponse): Interval | undefined {
  const least = leastInterval(response);
  if (!least.ok || least.value <= asked.minIntervalS || least.value > MAX_INTERVAL_S) return undefined;
  if (asked.refused >= MAX_INTERVAL_REFUSALS) return undefined;
  const intervalS = Math.max(asked.intervalS, least.value);
  return { intervalS, minIntervalS: least.value, refused: asked.refused + 1 };
}

/**
 * Starts the timer that the 2xx to our INVITE agreed to (§7.2). Without Session-Expires in it nobody on the way has
 * timers, and the session lasts until the BYE.
 */
export function takeInterval(store: CallStore, turn: Turn, call: Call, response: SipResponse): void {
  const asked = call.outgoing?.interval;
  const agreed = askedInterval(response);
  if (asked === undefined || !agreed.ok || agreed.value === undefined) return;
  const { seconds, refresher } = agreed.value;
  const { minIntervalS } = asked;
  const allowed = parseTokens(response, 'Allow');
  const byUpdate = allowed.ok && allowed.value.includes('UPDATE');
  const intervalS = Math.max(seconds, minIntervalS);
  call.session = { intervalS, minIntervalS, weRefresh: refresher !== 'uas', byUpdate };
  startSessionTimer(store, turn, call, call.session);
}

/** Begins the interval anew: a refresh has just succeeded (§10). */
export function startSessionTimer(store: CallStore, turn: Turn, call: Call, session: SessionTimer): void {
  const { intervalS, weRefresh } = session;
  const marginS = Math.min(MARGIN_S, intervalS / 3);
  store.arm(turn, call, 'session expiry', (intervalS - marginS) * 1000);
  if (weRefresh) store.arm(turn, call, 'refresh', (intervalS / 2) * 1000);
  else store.disarm(call, 'refresh');
}

function stopSessionTimer(store: CallStore, call: Call): void {
  call.session = undefined;
  store.disarm(call, 'session expiry');
  store.disarm(call, 'refresh');
}

/** Nobody refreshed in time (§10): the call is ended, as the peer is most likely gone. */
export function sessionExpired(store: CallStore, turn: Turn, call: Call): void {
  store.disarm(call, 'refresh');
  endCall(store, turn, call, call.ending ?? 'session expired: it was not refreshed in time');
}

/** What Session-Expires asks for; undefined when there is none. */
export function askedInterval(message: SipMessage): Result<SessionExpires | undefined> {
  const header = field(message, 'Session-Expires');
  return header === undefined ? ok(undefined) : parseSessionExpires(header.value, header.offset);
}

/** Min-SE; 0 when there is none. */
export function leastInterval(message: SipMessage): Result<number> {
  const header = field(message, 'Min-SE');
  return header === undefined ? ok(0) : parseMinSe(header.value, header.offset);
}

function supportsTimer(request: SipRequest): boolean {
  for (const name of ['Supported', 'Require']) {
    const tags = parseOptionTags(request, name);
    if (tags.ok && tags.value.includes('timer')) return true;
  }
  return false;
}
