/**
 * Our addresses, and what is wrong with them (STUN, RFC 8489): of no call and no account, and each of them stands or
 * falls with it. So whoever begins one hears of it, also when it was found before.
 */
import type { Event } from '../events.ts';

/** Whether an event says where we are, or that it cannot be found out. */
export function isAboutAddresses(event: Event): boolean {
  return event.type === 'address.discovered' || isTrouble(event);
}

function isTrouble(event: Event): boolean {
  return (
    event.type === 'diagnosis.raised' && (event.code.startsWith('stun-') || event.code === 'nat-symmetric')
  );
}

export class OwnAddresses {
  private readonly found = new Map<string, Event>();
  private trouble: Event | undefined;

  /** Every event of the endpoint has to pass. */
  note(event: Event): void {
    if (isTrouble(event)) this.trouble = event;
    if (event.type !== 'address.discovered') return;
    this.found.set(`${event.scope} ${event.address.includes(':') ? 6 : 4}`, event);
    if (event.learnedBy === 'stun') this.trouble = undefined;
  }

  /** What was said last and is so still, at most five events, as said at `nowMs`: a command counts from its beginning. */
  told(nowMs: number): readonly Event[] {
    const still = this.trouble === undefined ? [] : [this.trouble];
    return [...this.found.values(), ...still].map((event) => ({ ...event, atMs: nowMs }));
  }
}
