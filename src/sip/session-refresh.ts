/**
 * Our refresh of a session (RFC 4028 §7.4, §10): an UPDATE without an offer when the peer takes it, else a
 * re-INVITE with the session as it is (session-change.ts sends both).
 *
 * One that fails for the moment is tried again; what ends the call is a peer that does not know it any more, or the
 * end of the interval. Every re-INVITE of ours is a refresh as well, whatever it is for (§7.4).
 */
import type { Call } from './call.ts';
import type { CallStore } from './call-store.ts';
import type { SipResponse } from './message.ts';
import { glareMs, isBusy, isOver, sendChange } from './session-change.ts';
import { askedInterval, leastInterval, startSessionTimer } from './session-timer.ts';
import type { Turn } from './turn.ts';

/** How long until a refresh that failed for the moment is tried again, in ms. */
const RETRY_MS = 10_000;

/** Half the interval is over (§10). */
export function refreshSession(store: CallStore, turn: Turn, call: Call): void {
  const { session } = call;
  if (session === undefined || isOver(call)) return;
  // RFC 3261 §14.1: no re-INVITE while one of the peer is open. It will refresh the session itself.
  if (isBusy(call)) return store.arm(turn, call, 'refresh', glareMs(store, call));
  if (session.byUpdate) return sendChange(store, turn, call, 'refresh', undefined);
  const offer = call.media?.description ?? call.outgoing?.offer;
  if (offer !== undefined) sendChange(store, turn, call, 'refresh', offer);
}

/** A 2xx to a re-INVITE or UPDATE of ours begins the interval anew (§10). */
export function refreshAgreed(store: CallStore, turn: Turn, call: Call, response: SipResponse): void {
  const { session } = call;
  if (session === undefined) return;
  const agreed = askedInterval(response);
  if (!agreed.ok || agreed.value === undefined) {
    // §7.2: a peer without timers. We go on refreshing, as it loses nothing by it.
    return startSessionTimer(store, turn, call, session);
  }
  const { seconds, refresher } = agreed.value;
  const intervalS = Math.max(seconds, session.minIntervalS);
  call.session = { ...session, intervalS, weRefresh: refresher !== 'uas' };
  startSessionTimer(store, turn, call, call.session);
}

/** A refresh that was refused, but not because the peer has no such call. */
export function refreshRefused(store: CallStore, turn: Turn, call: Call, response: SipResponse): void {
  const { session } = call;
  if (session === undefined) return;
  const { status } = response;
  if (status === 422 && longerInterval(call, response)) return refreshSession(store, turn, call);
  if (status === 491) return store.arm(turn, call, 'refresh', glareMs(store, call));
  if ((status === 405 || status === 501) && session.byUpdate) {
    call.session = { ...session, byUpdate: false };
    return refreshSession(store, turn, call);
  }
  refreshLater(store, turn, call);
}

/** It failed for the moment: once more in a while. */
export function refreshLater(store: CallStore, turn: Turn, call: Call): void {
  store.arm(turn, call, 'refresh', RETRY_MS);
}

/**
 * §7.3: the interval is too short for somebody on the way; that one says how long it must be. False when it asks for
 * no more than there is, which would go round in circles.
 */
export function longerInterval({ session }: Call, response: SipResponse): boolean {
  const least = leastInterval(response);
  if (session === undefined || !least.ok || least.value <= session.intervalS) return false;
  session.intervalS = least.value;
  session.minIntervalS = least.value;
  return true;
}
