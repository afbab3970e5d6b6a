/**
 * Which story an event belongs to: that of a call, of an account's registration, or of any other Call-ID.
 *
 * The events of transactions outside of calls do not say it. But a transaction that opens is followed by the request
 * it sends, or follows the one it received; from then on its number says it.
 */
import type { Event } from '../events.ts';
import { headerOf, uriIn } from './message-text.ts';

/** `call-100-101-001`, `sip:100@lab.local`, or a Call-ID. */
export interface Exchange {
  readonly kind: 'call' | 'registration' | 'other';
  readonly key: string;
}

/** Transactions that are remembered; the oldest is forgotten. */
const MAX_REMEMBERED = 10_000;

/**
 * A function that must be shown every event in order. It gives `next` when the next event of a message will tell, and
 * undefined for what concerns the session as a whole.
 */
export function exchangeFinder(): (event: Event) => Exchange | 'next' | undefined {
  const byTransaction = new Map<string, Exchange>();
  const bound = (id: string, exchange: Exchange) => {
    byTransaction.set(id, exchange);
    const [oldest] = byTransaction.keys();
    if (byTransaction.size > MAX_REMEMBERED && oldest !== undefined) byTransaction.delete(oldest);
  };
  let waiting: string | undefined;
  let received: Exchange | undefined;
  return (event) => {
    if ('call' in event && event.call !== undefined) return { kind: 'call', key: event.call };
    switch (event.type) {
      case 'sip.sent':
      case 'sip.received': {
        const exchange = exchangeOfMessage(event);
        if (waiting !== undefined && event.type === 'sip.sent' && exchange !== undefined)
          bound(waiting, exchange);
        waiting = undefined;
        received = event.type === 'sip.received' ? exchange : undefined;
        return exchange;
      }
      case 'transaction.changed': {
        const known = byTransaction.get(event.id);
        if (known !== undefined || event.from !== 'none') return known;
        if (event.kind.endsWith('-client')) {
          waiting = event.id;
          return 'next';
        }
        if (received !== undefined) bound(event.id, received);
        return received;
      }
      case 'timer.fired':
        return event.transaction === undefined ? undefined : byTransaction.get(event.transaction);
      case 'registration.changed':
        return { kind: 'registration', key: event.account };
      case 'auth.challenged':
      case 'message.waiting':
      case 'diagnosis.raised':
        return event.account === undefined ? undefined : { kind: 'registration', key: event.account };
      default:
        return undefined;
    }
  };
}

function exchangeOfMessage(
  event: Extract<Event, { type: 'sip.sent' | 'sip.received' }>,
): Exchange | undefined {
  if (event.cseq?.endsWith(' REGISTER') === true && event.raw !== undefined) {
    const account = uriIn(headerOf(event.raw, 'to', 't'));
    if (account !== undefined) return { kind: 'registration', key: account };
  }
  return event.callId === undefined ? undefined : { kind: 'other', key: event.callId };
}
