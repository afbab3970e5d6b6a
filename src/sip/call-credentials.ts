/** Whose credentials the requests of a call carry, and to whom they may go (RFC 3261 §22.1, RFC 7616 §3.5). */
import type { DigestClient } from '../auth/credentials.ts';
import type { Call } from './call.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { type Flow, isSameNextHop } from './flow.ts';
import { fields, NO_BODY, type SipResponse } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { routesVia } from './preloaded-route.ts';
import type { HeaderLine } from './serialize-message.ts';
import type { RequestParts } from './user-agent.ts';

/**
 * The account's credentials, for its own server and our proxy alone: whoever else a call is redirected to could try
 * passwords on the digest.
 */
export function digestFor(parts: EndpointParts, invite: OutgoingInvite): DigestClient | undefined {
  const { account, hop } = invite;
  if (account === undefined) return undefined;
  const own = isSameNextHop(hop, account.server);
  // By way of our proxy, or of where the account's own registrar sends us (RFC 3608).
  const proxied = routesVia(invite.preloaded, hop).length > 0;
  return own || proxied ? parts.registrations.digestOf(account) : undefined;
}

/** The credentials for a request in a dialog of the call that goes that way, under the same rule. */
export function digestTowards(parts: EndpointParts, call: Call, flow: Flow): DigestClient | undefined {
  const { outgoing: invite } = call;
  const known = invite?.sent?.flow.remote;
  const same = known?.address === flow.remote.address && known.port === flow.remote.port;
  if (invite !== undefined && same) return digestFor(parts, invite);
  const local = call.dialog === undefined ? undefined : parseNameAddr(call.dialog.local);
  return parts.registrations.digestTowards(flow, local?.ok === true ? local.value.uri : undefined);
}

/** The credentials that are known by now, for a request in a dialog of the call; none when nothing was asked yet. */
export function knownCredentials(
  parts: EndpointParts,
  call: Call,
  flow: Flow,
  { method, uri, body = NO_BODY }: RequestParts,
): HeaderLine[] {
  const authorized = digestTowards(parts, call, flow)?.authorize({ method, uri, body });
  return (authorized?.fields ?? []).map(({ name, value }): HeaderLine => [name, value]);
}

/** A response that is no challenge may bring the nonce that the server wants next (RFC 7616 §3.5). */
export function noteNextNonce(parts: EndpointParts, invite: OutgoingInvite, response: SipResponse): void {
  const informed = [
    ...fields(response, 'Authentication-Info'),
    ...fields(response, 'Proxy-Authentication-Info'),
  ];
  digestFor(parts, invite)?.accepted(
    invite.attempt,
    informed.map(({ value }) => value),
  );
}
