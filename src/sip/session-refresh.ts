/**
 * Our refresh of a session (RFC 4028 §7.4, §10): an UPDATE without an offer when the peer takes it, else a
 * re-INVITE with the session as it is.
 *
 * One that fails for the moment is tried again; what ends the call is a peer that does not know it any more, or the
 * end of the interval.
 */
import type { Call } from './call.ts';
import { dialogFlow, endCall, requestWithin } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import { type Dialog, refreshTarget } from './dialog.ts';
import type { Flow } from './flow.ts';
import type { SipResponse } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import type { NegotiatedMedia } from './negotiated-media.ts';
import { readAnswer } from './offer.ts';
import { readDescription } from './offer-body.ts';
import { type SessionDescription, serializeSdp } from './sdp.ts';
import type { HeaderLine } from './serialize-message.ts';
import {
  askedInterval,
  leastInterval,
  type SessionTimer,
  startSessionTimer,
  stopSessionTimer,
} from './session-timer.ts';
import { bytesOf } from './text.ts';
import type { ClientTransaction } from './transaction.ts';
import { type Outgoing, outgoing } from './transport-layer.ts';
import type { Turn } from './turn.ts';
import { userOf } from './uri.ts';
import { ALLOW, SUPPORTED } from './user-agent.ts';

/** How long until a refresh that failed for the moment is tried again, in ms. */
const RETRY_MS = 10_000;

/** A refresh of ours: the one that is out, or the last one. */
export interface Refresh {
  readonly sent: ClientTransaction<unknown>;
  /** Of a re-INVITE: it has no final response yet. */
  open: boolean;
  readonly offer: SessionDescription | undefined;
  /** The ACK to its 2xx, sent again with each retransmission (RFC 3261 §13.2.2.4). */
  acknowledgement: { readonly message: Outgoing; readonly flow: Flow } | undefined;
}

/** Half the interval is over (§10). */
export function refreshSession(store: CallStore, turn: Turn, call: Call): void {
  const { session, dialog, media } = call;
  if (session === undefined || dialog === undefined || isOver(call)) return;
  // RFC 3261 §14.1: no re-INVITE while one of the peer is open. It will refresh the session itself.
  const busy = call.invite !== undefined || call.unacknowledged !== undefined || call.refresh?.open === true;
  if (busy) return store.arm(turn, call, 'refresh', glareMs(store));
  const flow = dialogFlow(store, turn, dialog);
  const headers: HeaderLine[] = [
    ['Contact', store.agent.contact(flow, localUser(dialog))],
    ['Allow', ALLOW],
    ['Supported', SUPPORTED],
    // We are the client of this request, so we are its `uac` whatever we were before (§7.4).
    ['Session-Expires', `${session.intervalS};refresher=uac`],
    ['Min-SE', `${session.minIntervalS}`],
  ];
  if (session.byUpdate) {
    const parts = requestWithin(dialog, 'UPDATE', headers);
    const sent = store.agent.request(turn, parts, flow, call, call.handle);
    call.refresh = { sent, open: true, offer: undefined, acknowledgement: undefined };
    return;
  }
  const offer = media?.description;
  if (offer === undefined) return;
  headers.push(['Content-Type', 'application/sdp']);
  const parts = requestWithin(dialog, 'INVITE', headers, bytesOf(serializeSdp(offer)));
  const sent = store.agent.request(turn, parts, flow, call, call.handle);
  call.refresh = { sent, open: true, offer, acknowledgement: undefined };
}

/** A response to our refresh. */
export function refreshResponded(
  store: CallStore,
  turn: Turn,
  call: Call,
  refresh: Refresh,
  response: SipResponse,
): void {
  const { status } = response;
  if (status < 200) return;
  const { open } = refresh;
  refresh.open = false;
  if (status < 300) {
    if (refresh.sent.method === 'INVITE') acknowledge(store, turn, call, refresh);
    if (open && !isOver(call)) refreshed(store, turn, call, refresh, response);
  } else if (!isOver(call)) refused(store, turn, call, response);
}

/** Nobody answered (as a 408, RFC 3261 §8.1.3.1), or it could not be sent (`error`), which may pass. */
export function refreshFailed(
  store: CallStore,
  turn: Turn,
  call: Call,
  refresh: Refresh,
  error: string | undefined,
): void {
  refresh.open = false;
  if (isOver(call)) return;
  if (error === undefined) endCall(store, turn, call, 'the session refresh was not answered');
  else store.arm(turn, call, 'refresh', RETRY_MS);
}

function refreshed(store: CallStore, turn: Turn, call: Call, refresh: Refresh, response: SipResponse): void {
  const { session, dialog, media } = call;
  if (session === undefined || dialog === undefined) return;
  refreshTarget(dialog, response);
  if (refresh.offer !== undefined && media?.session !== undefined) {
    const answer = readDescription(response);
    const agreed = answer.ok ? readAnswer(refresh.offer, answer.value) : answer;
    // What cannot be used leaves the audio as it was; what says the same is no change.
    if (agreed.ok && !sameMedia(media.session, agreed.value)) {
      store.audio.agree(turn, call, media, agreed.value, refresh.offer.connection?.address ?? '');
    }
  }
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

function refused(store: CallStore, turn: Turn, call: Call, response: SipResponse): void {
  const { status } = response;
  const { session } = call;
  if (session === undefined) return;
  switch (status) {
    case 408:
    case 481:
      // RFC 3261 §12.2.1.2: the peer has no such dialog, or does not answer in it.
      stopSessionTimer(store, call);
      return endCall(store, turn, call, `the session refresh got ${status}`);
    case 422:
      return longer(store, turn, call, session, response);
    case 491:
      return store.arm(turn, call, 'refresh', glareMs(store));
    case 405:
    case 501:
      if (!session.byUpdate) break;
      call.session = { ...session, byUpdate: false };
      return refreshSession(store, turn, call);
  }
  store.arm(turn, call, 'refresh', RETRY_MS);
}

/** §7.3: the interval is too short for somebody on the way; that one says how long it must be. */
function longer(
  store: CallStore,
  turn: Turn,
  call: Call,
  session: SessionTimer,
  response: SipResponse,
): void {
  const least = leastInterval(response);
  // A Min-SE that does not ask for more would go round in circles.
  if (!least.ok || least.value <= session.intervalS) return store.arm(turn, call, 'refresh', RETRY_MS);
  session.intervalS = least.value;
  session.minIntervalS = least.value;
  refreshSession(store, turn, call);
}

/** The ACK has the number of its INVITE, whatever was sent since. */
function acknowledge(store: CallStore, turn: Turn, call: Call, refresh: Refresh): void {
  const { dialog } = call;
  if (dialog === undefined) return;
  if (refresh.acknowledgement === undefined) {
    const flow = dialogFlow(store, turn, dialog);
    const { number } = refresh.sent.core.cseq;
    const parts = { ...requestWithin(dialog, 'ACK'), sequence: number };
    const { request, core } = store.agent.newRequest(parts, flow);
    const message = outgoing(request, core.callId, `${number} ACK`, core.via.branch);
    refresh.acknowledgement = { message, flow };
  }
  const { message, flow } = refresh.acknowledgement;
  store.agent.transport.transmit(turn, flow, message, call.handle);
}

/** RFC 3261 §14.1: whoever did not make the Call-ID waits up to 2 s, in steps of 10 ms; the other one 2.1 to 4 s. */
function glareMs(store: CallStore): number {
  return 10 * (store.agent.identifiers.word() % 201);
}

function isOver(call: Call): boolean {
  return call.state === 'terminated' || call.dialog?.state === 'terminated' || call.ending !== undefined;
}

function localUser(dialog: Dialog): string | undefined {
  const local = parseNameAddr(dialog.local);
  return local.ok ? userOf(local.value.uri) : undefined;
}

/** Whether an answer agrees on what is running already. */
function sameMedia(
  running: Pick<NegotiatedMedia, 'remote' | 'send' | 'receive' | 'rtcpMux' | 'payloads'>,
  agreed: NegotiatedMedia,
): boolean {
  const types = (of: typeof running) => of.payloads.map(({ type, name }) => `${type} ${name}`).join();
  return (
    running.remote?.address === agreed.remote?.address &&
    running.remote?.port === agreed.remote?.port &&
    running.send === agreed.send &&
    running.receive === agreed.receive &&
    running.rtcpMux === agreed.rtcpMux &&
    types(running) === types(agreed)
  );
}
