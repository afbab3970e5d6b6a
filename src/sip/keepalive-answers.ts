/**
 * Which servers answer which kind of keepalive (RFC 5626 §4.4.1): what they did, not what they should.
 *
 * It outlives the flow: a promise that was broken once is not believed again on the next connection.
 */
import { type Flow, formatAddress } from './flow.ts';
import type { KeepaliveKind } from './keepalive-kind.ts';
import { MAX_ACCOUNTS } from './limits.ts';

export class KeepaliveAnswers {
  /** The one that was learned of longest ago first. */
  private readonly known = new Map<string, boolean>();

  /** Undefined: it was never asked that. */
  of(kind: KeepaliveKind, flow: Flow): boolean | undefined {
    return this.known.get(keyOf(kind, flow));
  }

  remember(kind: KeepaliveKind, flow: Flow, answers: boolean): void {
    const key = keyOf(kind, flow);
    const oldest = this.known.keys().next().value;
    const full = this.known.size >= 2 * MAX_ACCOUNTS && !this.known.has(key);
    if (full && oldest !== undefined) this.known.delete(oldest);
    this.known.set(key, answers);
  }
}

function keyOf(kind: KeepaliveKind, { transport, remote }: Flow): string {
  return `${kind} ${transport} ${formatAddress(remote)}`;
}
