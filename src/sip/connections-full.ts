/**
 * Strangers opened as many connections as may be up (RFC 3261 §26.3.2.4, denial of service): said at most every ten
 * minutes. From then on whoever never said a word gives way, then the host that has most (crowding.ts), or else the new
 * one is closed (connections.ts). Why at all: a flood is to be seen, and so is a limit of the system that is too low for the calls
 * that are wanted.
 */
import type { DescriptorShare } from './endpoint-config.ts';
import { formatAddress, type SocketAddress } from './flow.ts';
import { MAX_CONNECTIONS } from './limits.ts';
import type { Turn } from './turn.ts';

/** How soon it is said again, in ms: whoever opens and closes them can bring it about at will. */
export const FULL_AGAIN_MS = 600_000;

/** `room`: how many there are; `remote`: whose connection is one too many. */
export function diagnoseFull(
  turn: Turn,
  room: number,
  remote: SocketAddress,
  share: DescriptorShare | undefined,
): void {
  const few = share !== undefined && room < MAX_CONNECTIONS;
  const bound = few ? `the limit of ${share.openFiles} open files leaves` : 'may be';
  turn.emit({
    type: 'diagnosis.raised',
    code: 'connections-full',
    severity: 'warning',
    evidence: `${room} connections of others are up, as many as ${bound}, and one more came from ${formatAddress(remote)}`,
    cause: few
      ? 'the limit of open files is low for so many calls and connections; or somebody opens connections without end'
      : 'somebody opens connections without end, or more phones are connected than one ringback takes',
    next: few
      ? 'raise it (ulimit -n, LimitNOFILE= in a systemd unit), or look who opens them (ss -tn)'
      : 'look who opens them (ss -tn); a firewall can limit it',
  });
}
