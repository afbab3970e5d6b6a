/**
 * Not one RTP port of the range could be bound, ever: no call can have audio, in either direction. Said at the start,
 * because a service that is ready and refuses every call looks healthy to whoever started it.
 */
import type { Turn } from './turn.ts';

/** `detail`: what the media thread said, with the range; the call that it ended, if any. */
export function diagnosePortsTaken(turn: Turn, detail: string, call?: string): void {
  const taken = /\bEADDRINUSE\b/.test(detail);
  turn.emit({
    type: 'diagnosis.raised',
    ...(call === undefined ? undefined : { call }),
    code: 'rtp-ports-taken',
    severity: 'error',
    evidence: detail,
    cause: taken
      ? 'another program has every one of them: a second ringback with the same --rtp-ports, as a rule'
      : 'the system gives none of them to us: --bind, or the range, is nothing that this machine has',
    next: taken
      ? 'end the other one, or give one of the two another range with --rtp-ports; ringback doctor says who has them'
      : 'check --bind and --rtp-ports; ringback doctor tries them',
  });
}
