/**
 * A call between others, as the observer knows it (RFC 3261 §12, §13), and its changes of state. The events are those
 * that the teller's side would have written itself.
 */
import type { EventOf } from '../events.ts';
import { peerOf } from './answering.ts';
import { handlePart, changeCall as moveCall } from './call.ts';
import type { SipRequest, SipResponse } from './message.ts';
import type { Direction, ReadMessage } from './observed-message.ts';
import type { SessionDescription } from './sdp.ts';
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
  /** The last answer does not answer its offer. */
  unusable: boolean;
  /** Whose address was said to be odd. */
  readonly suspected: Set<Direction>;
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
    unusable: false,
    suspected: new Set(),
    refusal: undefined,
    ending: undefined,
  };
}

/** Moves the call and says so; what comes after its end moves it no more. */
export function changeCall(
  turn: Turn,
  call: ObservedCall,
  to: CallState,
  about: Parameters<typeof moveCall>[3] = {},
): void {
  if (call.state !== 'terminated') moveCall(turn, call, to, about);
}

/** Moves the dialog and says so. */
export function changeDialog(turn: Turn, call: ObservedCall, to: DialogState, cause: string): void {
  if (call.dialog === to || call.dialog === 'terminated') return;
  // A refusal ends nothing that never was.
  if (call.dialog === 'none' && to === 'terminated') return;
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

/** Says what is wrong with a call. */
export function diagnose(
  turn: Turn,
  call: ObservedCall,
  about: Omit<EventOf<'diagnosis.raised'>, 'type' | 'call' | 'account'>,
): void {
  turn.emit({ type: 'diagnosis.raised', call: call.handle, ...about });
}
