/** Whose credentials a call of ours carries, and to whom (RFC 3261 §22.1, RFC 7616 §3.5). */
import type { DigestClient } from '../auth/credentials.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { fields, type SipResponse } from './message.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';

/**
 * The account's credentials, for its own server and our proxy alone: whoever else a call is redirected to could try
 * passwords on the digest.
 */
export function digestFor(parts: EndpointParts, invite: OutgoingInvite): DigestClient | undefined {
  const { account, action, hop } = invite;
  if (account === undefined) return undefined;
  const proxy = parts.agent.proxyFor(account, action.proxy);
  const own = hop.host === account.server.host && hop.port === account.server.port;
  const proxied = hop.host === proxy?.address && hop.port === proxy.port;
  return own || proxied ? parts.registrations.digestOf(account) : undefined;
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
