/**
 * Asking a registrar what is bound to an address of record (RFC 3261 §10.2.3): a REGISTER without a Contact, which
 * changes nothing.
 *
 * Why it is there: it is challenged as any REGISTER is, so it shows whether a password is right, and whoever only
 * wants to know that must not take calls away from a phone that is registered.
 */
import type { Action } from './endpoint-io.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { beginPing, hopOfServer } from './ping.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';

/** Sends one. What is wrong with it is reported as its answer: whoever asked waits for that event. */
export function queryBindings(
  parts: EndpointParts,
  turn: Turn,
  action: Extract<Action, { type: 'query-bindings' }>,
): void {
  const { server, timeoutMs } = action;
  const account = parts.agent.accounts.find(({ addressOfRecord }) => addressOfRecord === action.account);
  if (account === undefined) {
    return turn.emit({
      type: 'registration.queried',
      account: displayText(action.account),
      failure: 'network',
      detail: 'there is no account of that address',
    });
  }
  const proxy = parts.agent.proxyFor(account);
  beginPing(parts, turn, {
    method: 'REGISTER',
    target: `sip:${account.domain}`,
    account,
    hop: server === undefined ? (proxy ?? account.server) : hopOfServer(server),
    routes: [],
    server,
    timeoutMs,
  });
}
