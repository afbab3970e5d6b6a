/**
 * Which addresses have shown that they hear us, as QUIC has it (RFC 9000 §8): anybody can put somebody else's address
 * on a datagram, and SIP over UDP answers an INVITE eleven times over (RFC 3261 §13.3.1.4, §17.2.1), and then sends a
 * BYE as often. So an address that never showed that it got anything of ours gets each answer once; what is repeated
 * to it, and what it may hold of our calls, is bounded.
 *
 * The proof is a tag or a branch of ours, which nobody can know who did not hear it: an ACK, any request of a dialog,
 * a response. The same holds for requests of ours that a Contact or a route leads to another address: whoever writes
 * them may mean a third one. It is the address that is proved, not the port, so that a proxy with many calls proves itself once.
 */
import { type Flow, isReliable } from './flow.ts';
import { isLoopback } from './ip-address.ts';
import { MAX_SOURCES, MAX_UNPROVEN_REPEATS } from './limits.ts';

/** How long a spent budget stays spent, in ms. */
const BUDGET_MS = 60_000;

interface Source {
  proved: boolean;
  /** Datagrams that were repeated to it since `sinceMs`, while it was not proved. */
  repeats: number;
  sinceMs: number;
}

/** Which addresses have proved themselves, and how many calls those hold that have not. Bounded. */
export class AddressValidation {
  /** The oldest first: it is forgotten first, which costs a peer no more than another proof. */
  private readonly sources = new Map<string, Source>();
  /** Calls of addresses that have proved nothing, by address. */
  private readonly held = new Map<string, number>();

  /** It named a tag or a branch of ours. */
  proved({ transport, remote }: Flow): void {
    if (isReliable(transport)) return;
    const known = this.sources.get(remote.address);
    if (known?.proved === true) return;
    this.add(remote.address, { proved: true, repeats: 0, sinceMs: 0 });
  }

  /** Whether it hears us. A stream does: it took a handshake. */
  isProved({ transport, remote }: Flow): boolean {
    return isReliable(transport) || this.sources.get(remote.address)?.proved === true;
  }

  /** Whether that many datagrams may be repeated to it; they are counted when they may. */
  mayRepeat(flow: Flow, nowMs: number, datagrams = 1): boolean {
    if (this.isProved(flow)) return true;
    const { address } = flow.remote;
    let source = this.sources.get(address);
    if (source === undefined || nowMs - source.sinceMs >= BUDGET_MS) {
      source = { proved: false, repeats: 0, sinceMs: nowMs };
      this.add(address, source);
    }
    if (source.repeats + datagrams > MAX_UNPROVEN_REPEATS) return false;
    source.repeats += datagrams;
    return true;
  }

  /**
   * Whether a transaction leaves this repetition out: of an answer, or of a request to an address that its peer named.
   * It is withheld, not given up: the address may yet show that it hears us.
   */
  withholds(side: 'client' | 'server', flow: Flow, nowMs: number): boolean {
    return (side === 'server' || flow.named === true) && !this.mayRepeat(flow, nowMs);
  }

  /** Calls of that address that it has not proved to know of. */
  heldBy(flow: Flow): number {
    return this.isProved(flow) ? 0 : (this.held.get(flow.remote.address) ?? 0);
  }

  /** One more call of it; the address under which it is to be released, undefined when it needs no counting. */
  hold(flow: Flow): string | undefined {
    const { address } = flow.remote;
    // Nobody far away writes a loopback address: a load generator beside us may send a thousand before its first ACK.
    if (this.isProved(flow) || isLoopback(address)) return undefined;
    this.held.set(address, (this.held.get(address) ?? 0) + 1);
    return address;
  }

  /** That call is over. */
  release(address: string | undefined): void {
    if (address === undefined) return;
    const left = (this.held.get(address) ?? 1) - 1;
    if (left > 0) this.held.set(address, left);
    else this.held.delete(address);
  }

  private add(address: string, source: Source): void {
    this.sources.delete(address);
    this.sources.set(address, source);
    if (this.sources.size <= MAX_SOURCES) return;
    const oldest = this.sources.keys().next().value;
    if (oldest !== undefined) this.sources.delete(oldest);
  }
}
