/**
 * Contact: where somebody can be reached, for how long and how gladly (RFC 3261 §20.10, §10.2).
 */

import { allValues } from './list.ts';
import { field, type SipMessage } from './message.ts';
import { type NameAddr, parseNameAddr } from './name-addr.ts';
import { fail, ok, type Result } from './result.ts';
import { readDigits } from './text.ts';
import { parseUri } from './uri.ts';

/** One Contact value. */
export interface Contact extends NameAddr {
  /** `expires`, in seconds, at most 2^32 − 1; 3600 when malformed (leniency `contact-expires-malformed`). */
  readonly expiresS?: number | undefined;
  /** Preference, 0 to 1; absent when it is malformed. */
  readonly q?: number | undefined;
}

/** `*` stands alone and means every binding (§10.2.2). */
export type Contacts =
  | { readonly kind: 'all' }
  | { readonly kind: 'list'; readonly contacts: readonly Contact[] };

/** All Contact fields together. Errors: `contact-malformed` for a `*` beside others, those of `parseNameAddr`. */
export function parseContacts(message: SipMessage): Result<Contacts> {
  const values = allValues(message, 'Contact');
  if (!values.ok) return values;
  const star = values.value.find(({ text }) => text === '*');
  if (star) {
    if (values.value.length === 1) return ok({ kind: 'all' });
    return fail('contact-malformed', star.offset, 400, '"*" stands alone', 'Contact');
  }
  const contacts: Contact[] = [];
  for (const { text, offset } of values.value) {
    const address = parseNameAddr(text, offset, 'Contact');
    if (!address.ok) return address;
    contacts.push(readContact(address.value));
  }
  return ok({ kind: 'list', contacts });
}

/**
 * The Contact of a message that makes or moves a dialog (§12.1), its URI valid; undefined when there is none.
 * Leniency `contacts-several`: the first counts. Error of its own: `contact-not-sip`, as a BYE to mailto: goes nowhere.
 */
export function parseTargetContact(message: SipMessage): Result<Contact | undefined> {
  const contacts = parseContacts(message);
  if (!contacts.ok) return contacts;
  if (contacts.value.kind === 'all') return fail('contact-malformed', 0, 400, '"*" is no target', 'Contact');
  const contact = contacts.value.contacts[0];
  if (contact === undefined) return ok(undefined);
  const offset = field(message, 'Contact')?.offset ?? 0;
  const uri = parseUri(contact.uri, offset, 'Contact');
  if (!uri.ok) return uri;
  // §8.1.1.8, §12.1.1: a sip: or sips: URI, because it becomes the Request-URI of what follows.
  if (uri.value.kind === 'sip') return ok(contact);
  const detail = `further requests cannot go to ${uri.value.scheme}:, a sip: or sips: URI is needed`;
  return fail('contact-not-sip', offset, 400, detail, 'Contact');
}

function readContact(address: NameAddr): Contact {
  const { displayName, uri, params } = address;
  return { displayName, uri, params, expiresS: readExpires(address), q: readPreference(params.get('q')) };
}

function readExpires({ params }: NameAddr): number | undefined {
  if (!params.has('expires')) return undefined;
  const seconds = readDigits(params.get('expires') ?? '');
  return seconds >= 0 && seconds < 2 ** 32 ? seconds : 3600;
}

/** §25.1 qvalue: 0 to 1 with at most three decimals. */
function readPreference(text: string | undefined): number | undefined {
  return text !== undefined && /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : undefined;
}
