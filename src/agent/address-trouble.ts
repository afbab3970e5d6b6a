/**
 * What is wrong with our public address (STUN, RFC 8489) is of no call, and every call suffers from it. So whoever places
 * one hears of it, also when it was found before.
 */
import type { Event } from '../events.ts';

/** Whether an event says that. */
export function isAddressTrouble(event: Event): boolean {
  return (
    event.type === 'diagnosis.raised' && (event.code.startsWith('stun-') || event.code === 'nat-symmetric')
  );
}

export class AddressTrouble {
  /** What was said last and is so still. */
  current: Event | undefined;

  /** Every event of the endpoint has to pass. */
  note(event: Event): void {
    if (isAddressTrouble(event)) this.current = event;
    else if (event.type === 'address.discovered' && event.learnedBy === 'stun') this.current = undefined;
  }
}
