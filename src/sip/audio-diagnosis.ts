/** Why a call is not heard, as far as it can be told from here: the evidence, the likely cause, the next thing to check. */
import type { Call, CallMedia } from './call.ts';
import type { Turn } from './turn.ts';

/** A call on which nothing, or nothing more, was heard for `silentMs`. */
export function diagnoseSilence(
  turn: Turn,
  call: Call,
  media: CallMedia,
  heard: number,
  silentMs: number,
  severity: 'warning' | 'error',
): void {
  const remote = media.session?.remote;
  const theirs = remote === undefined ? '' : `; its own is ${remote.address} port ${remote.port}`;
  turn.emit({
    type: 'diagnosis.raised',
    call: call.handle,
    code: heard === 0 ? 'no-audio-received' : 'audio-stopped',
    severity,
    evidence: `no RTP and no RTCP on port ${media.port} for ${Math.round(silentMs / 1000)} s, ${heard} packets before`,
    cause:
      heard === 0
        ? 'the caller sends to another address than our SDP says, or a firewall drops it'
        : 'the caller went away without a BYE, or its NAT mapping was lost',
    next: `check that UDP ${media.port} is open here, and that the caller can reach the address in our SDP (--advertise-media-ip)${theirs}`,
  });
}
