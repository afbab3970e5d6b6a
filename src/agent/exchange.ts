/**
 * Which events belong to what a command began: those of a call, all calls, or a registration. A REGISTER has no
 * handle in the events; its Call-ID tells (RFC 3261 §10.2: one for all REGISTERs of a registration), and for the
 * transactions, which say less, the method.
 */
import type { Event } from '../events.ts';

/** True for an event of the exchange. It remembers, so every event has to pass. */
export type Belongs = (event: Event) => boolean;

/**
 * The events of the calls that `has` knows. What could not be read, or answers nothing, names no call: it belongs to
 * one that has sent something to where it came from.
 */
export function ofCalls(has: (handle: string) => boolean): Belongs {
  const peers = new Set<string>();
  return (event) => {
    if (event.type === 'sip.rejected' && event.call === undefined) return peers.has(event.remote);
    if (!('call' in event) || event.call === undefined || !has(event.call)) return false;
    if (event.type === 'sip.sent') peers.add(event.remote);
    return true;
  };
}

/** The events of the registration of that address of record; its Call-ID when it is known, else the next one's. */
export function ofRegistration(account: string, known?: string): Belongs {
  let callId = known;
  const transactions = new Set<string>();
  return (event) => {
    switch (event.type) {
      case 'registration.changed':
        if (event.account !== account) return false;
        callId ??= event.callId;
        // An older one of the same address may be ending at another registrar.
        return event.callId === callId;
      case 'auth.challenged':
      case 'connection.secured':
      case 'diagnosis.raised':
        return event.account === account;
      case 'sip.sent':
      case 'sip.received':
        return event.callId !== undefined && event.callId === callId;
      case 'transaction.changed':
        if (event.kind !== 'non-invite-client' || event.method !== 'REGISTER') return false;
        transactions.add(event.id);
        return true;
      case 'timer.fired':
        return event.transaction !== undefined && transactions.has(event.transaction);
      default:
        return false;
    }
  };
}
