/**
 * The RTP port of a call that we place: out of the same reserve as those of the calls that come in, and before the
 * INVITE goes, because its offer names it (RFC 3264 §5).
 */
import type { Call } from './call.ts';
import { finishCall } from './call-end.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { tryInvite } from './invite-attempt.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { diagnosePortsTaken } from './ports-taken.ts';
import type { Turn } from './turn.ts';

/** How long a call waits for a port of the reserve, or just after the start for a STUN server's word on it, in ms. */
export const PORT_WAIT_MS = 2_000;

/** Sends the INVITE as soon as the call has its port; at once when its audio is somebody else's. */
export function openPort(parts: EndpointParts, turn: Turn, call: Call, invite: OutgoingInvite): void {
  const { agent, calls } = parts;
  const { audio, sdp, play = { type: 'silence' }, record } = invite.action;
  if (audio !== undefined || sdp !== undefined) return tryInvite(parts, turn, call, invite);
  if (calls.size > agent.config.maxCalls) {
    const reason = `${agent.config.maxCalls} calls are up, and no more are allowed`;
    return finishCall(calls, turn, call, reason, undefined, 'unreachable');
  }
  // A command that starts and calls at once would offer an address that nobody outside can reach.
  if (calls.audio.mappingSoon(turn.nowMs)) {
    if (call.timers.port === undefined) calls.arm(turn, call, 'port', PORT_WAIT_MS);
    return;
  }
  const mode = { type: 'talk', play, ...(record === undefined ? undefined : { record }) } as const;
  call.media = calls.audio.take(turn, mode);
  if (call.media !== undefined) {
    calls.disarm(call, 'port');
    return tryInvite(parts, turn, call, invite);
  }
  const { noPortSoon } = calls.audio;
  if (noPortSoon !== undefined) {
    finishCall(calls, turn, call, `no RTP port: ${noPortSoon}`, undefined, 'unreachable');
    if (calls.audio.neverAny) diagnosePortsTaken(turn, noPortSoon, call.handle);
    return;
  }
  if (call.timers.port === undefined) calls.arm(turn, call, 'port', PORT_WAIT_MS);
}

/** Ports came, or none will, or one has its mapping, while calls were waiting for one. */
export function portsForCalls(parts: EndpointParts, turn: Turn): void {
  for (const call of [...parts.calls.withoutPort]) {
    if (call.outgoing !== undefined) openPort(parts, turn, call, call.outgoing);
  }
}

/** The deadline `port`. A call that ended meanwhile may have given its own back. */
export function portDue(parts: EndpointParts, turn: Turn, call: Call): void {
  if (call.outgoing === undefined) return;
  openPort(parts, turn, call, call.outgoing);
  if (call.media === undefined && call.state !== 'terminated') {
    finishCall(parts.calls, turn, call, 'no RTP port became free in time', undefined, 'unreachable');
  }
}
