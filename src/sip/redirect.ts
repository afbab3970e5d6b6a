/**
 * A 3xx to an INVITE of ours (RFC 3261 §8.1.3.4, §21.3): followed as the same call, to each Contact in the order of
 * its q, within a bound and to no address twice.
 */
import type { Call } from './call.ts';
import { type Contact, parseContacts } from './contact.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import type { SipResponse } from './message.ts';
import { nextHop } from './next-hop.ts';
import { nextTarget } from './next-server.ts';
import type { OutgoingInvite, Target } from './outgoing-invite.ts';
import { refuseCall } from './refused-call.ts';
import { isSips } from './sips.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';
import { parseUri } from './uri.ts';
import { uriEquals } from './uri-equals.ts';
import { asRequestUri } from './uri-places.ts';

/** Contacts that one call is led to (§8.1.3.4 asks for a bound). */
const MAX_REDIRECTS = 5;

/** Tries the first Contact that was not tried before; the others wait for their turn. */
export function redirected(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  response: SipResponse,
): void {
  const named = targetsIn(invite, response);
  const fresh = named.filter(({ contact }) => !wasTried(invite, contact));
  const room = MAX_REDIRECTS - invite.redirects;
  const taken = fresh.slice(0, Math.max(0, room));
  invite.redirects += taken.length;
  invite.tried.push(...taken.map(({ contact }) => contact));
  // What this one names comes before what is left of the one before (§8.1.3.4: its targets are added to the set).
  invite.targets = [...taken, ...invite.targets];
  if (nextTarget(parts, turn, call, invite)) return;
  const { why, ...advice } = deadEnd(response, named.length === 0, fresh.length === 0);
  refuseCall(parts.calls, turn, call, response, why, advice);
}

/** Where no redirection leads on: why, for the reason of the call, and what it means. */
function deadEnd(
  response: SipResponse,
  nowhere: boolean,
  circle: boolean,
): { readonly why: string; readonly cause: string; readonly next: string } {
  if (nowhere) {
    return {
      why: whyNowhere(response),
      cause: 'the callee is elsewhere, and no address in Contact can be called from here',
      next: 'look at the Contact of the response: a sip: address is wanted, for a call to sips: a sips: one',
    };
  }
  if (circle) {
    return {
      why: 'redirected in a circle',
      cause: 'every address that is named was tried already: they lead to each other',
      next: 'look at where the callee, and each address after it, is forwarded to',
    };
  }
  return {
    why: `redirected more than ${MAX_REDIRECTS} times`,
    cause: 'each address leads to another one',
    next: 'look at where the callee is forwarded to, and call the last address itself',
  };
}

/** The Contacts that we can go to, as targets, the most wanted first: q is 1 where it is not said (§20.10). */
function targetsIn(invite: OutgoingInvite, response: SipResponse): Target[] {
  const contacts = parseContacts(response);
  if (!contacts.ok || contacts.value.kind === 'all') return [];
  const wanted = ({ q = 1 }: Contact) => q;
  return contacts.value.contacts
    .toSorted((a, b) => wanted(b) - wanted(a))
    .flatMap(({ uri }) => targetOf(invite, response.status, uri) ?? []);
}

/**
 * Undefined for what is no SIP URI, or leads off TLS. A 305 names a proxy for the same address
 * (§21.3.4); through a proxy of our own goes what goes anywhere (§8.1.2).
 */
function targetOf(invite: OutgoingInvite, status: number, contact: string): Target | undefined {
  const uri = asRequestUri(contact);
  const hop = uri === undefined ? undefined : nextHop(uri, invite.hop.transport);
  if (uri === undefined || hop === undefined) return undefined;
  // RFC 5630 §4.1: what was to go over TLS all the way is not led off it.
  if (isSips(invite.target) && !isSips(uri)) return undefined;
  if (status === 305) return { contact, uri: invite.target, hop };
  return { contact, uri, hop: invite.preloaded?.hop ?? hop };
}

function wasTried(invite: OutgoingInvite, contact: string): boolean {
  const asked = parseUri(contact);
  return invite.tried.some((one) => {
    const tried = parseUri(one);
    return asked.ok && tried.ok && uriEquals(asked.value, tried.value);
  });
}

function whyNowhere(response: SipResponse): string {
  const contacts = parseContacts(response);
  const named = contacts.ok && contacts.value.kind === 'list' ? contacts.value.contacts : [];
  return named.length === 0
    ? 'redirected to nowhere'
    : `redirected to ${displayText(named.map(({ uri }) => uri).join(', ')).slice(0, 120)}, which cannot be called`;
}
