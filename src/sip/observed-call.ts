/**
 * A call between others (RFC 3261 §13, §15, §9; RFC 3264): its states, its dialog, what was agreed about the audio,
 * and why it ended. The events are those that the teller's side would have written itself.
 */
import type { EventOf } from '../events.ts';
import { peerOf } from './answering.ts';
import { handlePart } from './call.ts';
import { adviceOnCall } from './call-advice.ts';
import { type SipMessage, type SipRequest, type SipResponse, value } from './message.ts';
import { isAudio } from './negotiated-media.ts';
import { type Direction, type ReadMessage, remoteOf } from './observed-message.ts';
import { readAnswer } from './offer.ts';
import { readDescription } from './offer-body.ts';
import { statedReason, withStatedReason } from './reason.ts';
import type { SessionDescription } from './sdp.ts';
import { connectionOf } from './sdp-attributes.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';
import { userOf } from './uri.ts';

type CallState = EventOf<'call.changed'>['to'];
type DialogState = EventOf<'dialog.changed'>['to'];

/** What is known of it. */
export interface ObservedCall {
  readonly handle: string;
  readonly callId: string;
  readonly direction: 'incoming' | 'outgoing';
  readonly peer: string;
  readonly displayName: string | undefined;
  readonly fromTag: string | undefined;
  state: CallState;
  dialog: DialogState;
  toTag: string | undefined;
  answeredMs: number | undefined;
  /** The description that waits for its answer, and who made it. */
  offer: { readonly description: SessionDescription; readonly by: Direction } | undefined;
  agreed: boolean;
  acknowledged: boolean;
  cancelled: boolean;
  /** The final refusal, told once its ACK was seen, as a caller of our own would tell it. */
  refusal: { readonly response: SipResponse; readonly atMs: number } | undefined;
  ending: string | undefined;
}

/** The call that an INVITE outside any dialog begins; `number` is its place among those that were seen. */
export function observedCall(
  read: ReadMessage,
  request: SipRequest,
  by: Direction,
  number: number,
): ObservedCall {
  const { core } = read;
  const outgoing = by === 'sent';
  const to = userOf(outgoing ? core.to.uri : request.uri) ?? userOf(core.to.uri);
  const other = outgoing ? core.to : core.from;
  return {
    handle: `call-${handlePart(userOf(core.from.uri))}-${handlePart(to)}-${String(number).padStart(3, '0')}`,
    callId: core.callId,
    direction: outgoing ? 'outgoing' : 'incoming',
    peer: peerOf(other.uri),
    displayName: other.displayName === undefined ? undefined : displayText(other.displayName),
    fromTag: core.fromTag,
    state: 'idle',
    dialog: 'none',
    toTag: undefined,
    answeredMs: undefined,
    offer: undefined,
    agreed: false,
    acknowledged: false,
    cancelled: false,
    refusal: undefined,
    ending: undefined,
  };
}

/** Moves the call and says so. */
export function changeCall(
  turn: Turn,
  call: ObservedCall,
  to: CallState,
  about: { readonly reason?: string; readonly status?: number } = {},
): void {
  if (call.state === to || call.state === 'terminated') return;
  const from = call.state;
  call.state = to;
  const ended = to === 'terminated' && call.answeredMs !== undefined;
  turn.emit({
    type: 'call.changed',
    call: call.handle,
    callId: call.callId,
    direction: call.direction,
    peer: call.peer,
    ...(call.displayName === undefined ? undefined : { displayName: call.displayName }),
    from,
    to,
    ...about,
    ...(ended ? { durationMs: Math.round(turn.nowMs - (call.answeredMs ?? 0)) } : undefined),
  });
}

function changeDialog(turn: Turn, call: ObservedCall, to: DialogState, cause: string): void {
  if (call.dialog === to || call.dialog === 'terminated') return;
  const from = call.dialog;
  call.dialog = to;
  const outgoing = call.direction === 'outgoing';
  const remoteTag = outgoing ? call.toTag : call.fromTag;
  turn.emit({
    type: 'dialog.changed',
    call: call.handle,
    callId: call.callId,
    localTag: (outgoing ? call.fromTag : call.toTag) ?? '',
    ...(remoteTag === undefined ? undefined : { remoteTag }),
    from,
    to,
    cause,
  });
}

/** A response to the INVITE that began the call. `retried`: the caller tries again, with credentials or elsewhere. */
export function inviteAnswered(
  turn: Turn,
  call: ObservedCall,
  read: ReadMessage,
  response: SipResponse,
  direction: Direction,
  retried: boolean,
): void {
  const { status } = response;
  const cause = `${status} ${direction}`;
  if (status < 300 && read.core.toTag !== undefined && status > 100 && call.dialog !== 'confirmed') {
    call.toTag = read.core.toTag;
  }
  if (status < 200) {
    if (status === 100) return;
    if (call.toTag !== undefined && call.dialog === 'none') changeDialog(turn, call, 'early', cause);
    described(turn, call, response, direction);
    if (call.state === 'calling' || call.state === 'idle') changeCall(turn, call, 'ringing', { status });
  } else if (status < 300) {
    if (call.answeredMs !== undefined) return;
    call.answeredMs = turn.nowMs;
    changeDialog(turn, call, 'confirmed', cause);
    described(turn, call, response, direction);
    if (call.direction === 'incoming') changeCall(turn, call, 'answered');
  } else if (!retried) {
    call.refusal ??= { response, atMs: turn.nowMs };
    if (call.direction === 'incoming') refused(turn, call);
  }
}

/** Tells a refusal that waits for it. */
export function refused(turn: Turn, call: ObservedCall): void {
  if (call.refusal === undefined || call.state === 'terminated') return;
  const { response } = call.refusal;
  const { status } = response;
  const stated = statedReason(response);
  const said = displayText(response.reason);
  const cancelled = call.cancelled && status === 487;
  const reason = cancelled ? 'cancelled' : stated === undefined ? said : `${said}: ${displayText(stated)}`;
  changeDialog(turn, call, 'terminated', reason);
  changeCall(turn, call, 'terminated', { reason, status });
  if (cancelled) return;
  const warning = value(response, 'Warning');
  const evidence = `${status} ${said}${warning === undefined ? '' : `, Warning: ${displayText(warning)}`}`;
  diagnose(turn, call, { severity: 'error', evidence, ...adviceOnCall(status) });
}

/** The ACK of a 2xx: the caller's side of the dialog stands (§13.2.2.4). */
export function acknowledged(
  turn: Turn,
  call: ObservedCall,
  request: SipRequest,
  direction: Direction,
): void {
  if (call.answeredMs === undefined || call.state === 'terminated') return;
  call.acknowledged = true;
  described(turn, call, request, direction);
  if (call.state !== 'held') changeCall(turn, call, 'established');
}

/** A BYE. The call is over when it is answered; whoever sent it ended the call (§15.1). */
export function ending(turn: Turn, call: ObservedCall, request: SipRequest, direction: Direction): void {
  call.ending ??= withStatedReason(`BYE ${direction}`, request);
  changeDialog(turn, call, 'terminated', `BYE ${direction}`);
}

/** The end that `ending` announced. */
export function ended(turn: Turn, call: ObservedCall): void {
  changeCall(turn, call, 'terminated', { reason: call.ending ?? 'ended' });
}

/** Nobody answered within 64·T1 (§17.1.1.2): that counts as a 408 (§8.1.3.1). */
export function unanswered(turn: Turn, call: ObservedCall, to: ReadMessage): void {
  changeCall(turn, call, 'terminated', { reason: 'no answer in time', status: 408 });
  diagnose(turn, call, {
    code: 'no-response',
    severity: 'error',
    evidence: `the INVITE to ${remoteOf(to, 'sent')} got not even a 100 within 32 s`,
    cause: 'nobody listens there, or the way there or back is blocked',
    next: 'check the address and the port, and firewalls and NAT in between',
  });
}

/** What is not as it should be when nothing more is to come. */
export function judgeRest(turn: Turn, call: ObservedCall): void {
  if (call.answeredMs === undefined || call.acknowledged) return;
  diagnose(turn, call, {
    code: 'ack-missing',
    severity: 'warning',
    evidence: 'the 200 was not acknowledged',
    cause: 'the ACK went another way, was lost, or stands behind the end of the file',
    next: 'look whether the 200 came more than once; check Contact and Record-Route in it',
  });
}

/** An offer, or the answer to the one before (RFC 3264): whichever is due. */
export function described(turn: Turn, call: ObservedCall, message: SipMessage, by: Direction): void {
  if (message.body.length === 0) return;
  const read = readDescription(message);
  if (!read.ok) return;
  const { offer } = call;
  // A 200 repeats what a 183 said, and an ACK after that says nothing new.
  if (offer === undefined || offer.by === by) {
    const repeats = message.kind === 'response' && call.agreed && offer === undefined;
    if (!repeats) call.offer = { description: read.value, by };
    return;
  }
  call.offer = undefined;
  call.agreed = true;
  agreed(turn, call, offer, read.value);
}

/** A new INVITE or UPDATE makes room for the next offer. */
export function renegotiating(call: ObservedCall): void {
  call.offer = undefined;
  call.agreed = false;
}

function agreed(
  turn: Turn,
  call: ObservedCall,
  { description: offer, by }: NonNullable<ObservedCall['offer']>,
  answer: SessionDescription,
): void {
  const media = readAnswer(offer, answer);
  if (!media.ok) {
    diagnose(turn, call, {
      code: media.error.code,
      severity: 'error',
      evidence: media.error.detail,
      cause: 'offer and answer do not fit together: there is no audio in this call',
      next: 'compare the m= and a=rtpmap lines of both (RFC 3264 §6)',
    });
    return;
  }
  const { codec, direction, rtcpMux } = media.value;
  const [local, remote] = by === 'sent' ? [offer, answer] : [answer, offer];
  const [ours, theirs] = [audioAddress(local), audioAddress(remote)];
  const turned = { sendonly: 'recvonly', recvonly: 'sendonly' } as const;
  turn.emit({
    type: 'media.started',
    call: call.handle,
    codec: codec.name,
    payloadType: codec.type,
    localAddress: ours?.address ?? '',
    localPort: ours?.port ?? 0,
    ...(theirs === undefined ? undefined : { remoteAddress: theirs.address, remotePort: theirs.port }),
    direction:
      by === 'sent' || direction === 'sendrecv' || direction === 'inactive' ? direction : turned[direction],
    rtcp: rtcpMux ? 'mux' : 'separate',
  });
  if (call.state === 'established' && direction !== 'sendrecv') changeCall(turn, call, 'held');
  else if (call.state === 'held' && direction === 'sendrecv') changeCall(turn, call, 'established');
}

function audioAddress(
  session: SessionDescription,
): { readonly address: string; readonly port: number } | undefined {
  const line = session.media.find(isAudio);
  const connection = line === undefined ? undefined : connectionOf(session, line);
  return line === undefined || connection === undefined
    ? undefined
    : { address: displayText(connection.address), port: line.port };
}

function diagnose(
  turn: Turn,
  call: ObservedCall,
  about: Omit<EventOf<'diagnosis.raised'>, 'type' | 'call' | 'account'>,
): void {
  turn.emit({ type: 'diagnosis.raised', call: call.handle, ...about });
}
