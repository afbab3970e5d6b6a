/**
 * Keys that a call of ours presses (RFC 4733): handed to the media thread, which sends them in the place of the audio.
 *
 * Only when telephone-event was agreed: in any other way the peer would hear a tone, or nothing, and nobody would know.
 */
import type { Call } from './call.ts';
import type { Turn } from './turn.ts';

/** What may be pressed; `,` and `w` wait. */
const KEYS = /^[0-9*#A-D,w]{1,64}$/i;

/** Presses them after those of earlier requests, or says why not. */
export function pressKeys(turn: Turn, call: Call, digits: string): void {
  const why = obstacle(call, digits);
  const slot = call.media?.slot;
  if (why === undefined && slot !== undefined) {
    return turn.ask({
      type: 'media',
      command: { type: 'dtmf', slot, digits: digits.replaceAll(/[a-d]/g, (key) => key.toUpperCase()) },
    });
  }
  turn.emit({
    type: 'diagnosis.raised',
    call: call.handle,
    code: 'dtmf-not-sent',
    severity: 'warning',
    evidence: `the keys were not pressed: ${why?.evidence ?? 'the call has no audio of its own'}`,
    cause: why?.cause ?? 'the audio of this call is handled elsewhere',
    next: why?.next ?? 'place the call without --sdp-file',
  });
}

function obstacle(call: Call, digits: string) {
  if (!KEYS.test(digits)) {
    return {
      evidence: 'a key is 0 to 9, *, #, A to D; a comma waits',
      cause: 'there is something else among them, nothing, or more than 64',
      next: 'press them in parts',
    };
  }
  const session = call.media?.session;
  if (session === undefined || session.mode?.type !== 'talk') return ELSEWHERE;
  if (!session.send) {
    return {
      evidence: 'the other side holds the call',
      cause: 'nothing may be sent on a call that is held (RFC 3264 §8.4)',
      next: 'press them when it is resumed',
    };
  }
  if (session.payloads.some(({ name }) => name === 'TELEPHONE-EVENT')) return undefined;
  return {
    evidence: 'the answer has no telephone-event',
    cause: 'the other side does not take keys as RTP events (RFC 4733)',
    next: 'allow telephone-event (RFC 2833, RFC 4733) there',
  };
}

const ELSEWHERE = {
  evidence: 'the call has no audio of its own that talks',
  cause: 'it is not answered yet, its audio is handled elsewhere, or it is an echo',
  next: 'wait until it is established',
};
