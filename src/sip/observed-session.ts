/**
 * What the two sides of a call between others agree on (RFC 3264): offers and answers wherever they stand, judged as our
 * own are.
 */
import { addressVerdict } from './address-verdict.ts';
import { answerAdvice, judgeAnswer } from './answer-verdict.ts';
import { isAudio } from './negotiated-media.ts';
import { changeCall, diagnose, type ObservedCall } from './observed-call.ts';
import type { Direction, ReadMessage } from './observed-message.ts';
import { readAnswer } from './offer.ts';
import { readDescription } from './offer-body.ts';
import type { SessionDescription } from './sdp.ts';
import { connectionOf } from './sdp-attributes.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';

/** An offer, or the answer to the one before (RFC 3264): whichever is due. */
export function described(
  turn: Turn,
  call: ObservedCall,
  { message, source }: ReadMessage,
  by: Direction,
): void {
  if (message.body.length === 0) return;
  const read = readDescription(message);
  if (!read.ok) return;
  if (source !== undefined) suspect(turn, call, read.value, by, source.address);
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

/** An address that audio will hardly reach, said once for each side. */
function suspect(
  turn: Turn,
  call: ObservedCall,
  session: SessionDescription,
  by: Direction,
  peer: string,
): void {
  const address = audioAddress(session)?.address;
  if (address === undefined || address === peer || call.suspected.has(by)) return;
  // In the middle of a call 0.0.0.0 says hold, and that is not known apart here.
  const verdict = addressVerdict({ address, peer, familyKnown: true, mayHold: call.agreed });
  if (verdict === undefined) return;
  call.suspected.add(by);
  const { code, cause, next } = verdict;
  const evidence = `the session description wants audio at ${address}, and its signalling comes from ${peer}`;
  diagnose(turn, call, { code, severity: 'warning', evidence, cause, next });
}

function agreed(
  turn: Turn,
  call: ObservedCall,
  { description: offer, by }: NonNullable<ObservedCall['offer']>,
  answer: SessionDescription,
): void {
  const wrong = judgeAnswer(offer, answer);
  const media = readAnswer(offer, answer);
  const error = wrong ?? (media.ok ? undefined : media.error);
  if (!media.ok || error !== undefined) {
    const { code, detail } = error ?? { code: 'answer-unreadable', detail: 'the answer cannot be read' };
    call.unusable = true;
    return diagnose(turn, call, { code, severity: 'error', evidence: detail, ...answerAdvice(code) });
  }
  call.unusable = false;
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
