/**
 * The terms of a registration: what was granted, when it is renewed, when a failure is tried again (RFC 3261 §10.2).
 * Numbers in, numbers out.
 */
import { parseContacts } from './contact.ts';
import { type SipResponse, value } from './message.ts';
import { REG_ID } from './outbound.ts';
import { type Params, parameterText } from './params.ts';
import { readDigits } from './text.ts';
import { parseUri } from './uri.ts';

/** The first back-off, in ms; it doubles with each failure up to the longest. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** A registrar that asks for more than this (423) is not given it, and a longer binding is renewed by then, in seconds. */
export const LONGEST_EXPIRES_S = 86_400;
/** A registration is renewed this long before it ends, or half-way through a short one, in seconds. */
const RENEW_BEFORE_S = 600;
/** Whatever a registrar grants, REGISTERs are no closer together, in seconds. */
const LEAST_RENEW_S = 1;

/** How long after a binding was granted it is renewed, in ms. */
export function renewInMs(expiresS: number): number {
  const inS = expiresS > 2 * RENEW_BEFORE_S ? expiresS - RENEW_BEFORE_S : expiresS / 2;
  return Math.min(Math.max(inS, LEAST_RENEW_S), LONGEST_EXPIRES_S) * 1000;
}

/** How long after its n-th failure in a row a REGISTER is tried again, in ms. `fraction` in [0, 1) is the jitter. */
export function backOffMs(failures: number, fraction: number): number {
  const longestMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
  // Between half of it and all of it.
  return longestMs * (0.5 + 0.5 * fraction);
}

/**
 * What the registrar granted our binding (§10.2.4), in seconds: the expires of our Contact, which stands in <>, else
 * Expires, else what we wanted.
 */
export function grantedS(response: SipResponse, contact: string, wantedS: number, instance?: string): number {
  const fallback = readDigits(value(response, 'Expires') ?? '');
  const otherwise = fallback > 0 ? fallback : wantedS;
  const contacts = parseContacts(response);
  if (!contacts.ok || contacts.value.kind === 'all') return otherwise;
  const ours = hostPortOf(contact.slice(1, -1));
  // RFC 5626 §6: the binding of a flow is known by its instance, and may stand beside a stale one of our address.
  const binding =
    contacts.value.contacts.find(({ params }) => isOfInstance(params, instance)) ??
    contacts.value.contacts.find(({ uri }) => hostPortOf(uri) === ours);
  return binding?.expiresS ?? otherwise;
}

function isOfInstance(params: Params, instance: string | undefined): boolean {
  if (instance === undefined || params.get('reg-id') !== String(REG_ID)) return false;
  return parameterText(params, '+sip.instance')?.toLowerCase() === `<${instance}>`;
}

/** User, host and port: enough to know our own Contact, whatever a registrar did to its parameters. */
function hostPortOf(uri: string): string {
  const parsed = parseUri(uri);
  if (!parsed.ok || parsed.value.kind !== 'sip') return uri;
  const { user, host, port } = parsed.value;
  return `${user ?? ''}@${host.toLowerCase()}:${port ?? ''}`;
}

/** Whether a refusal may pass by itself: overload, time-outs and the server's own troubles. */
export function mayPass(status: number): boolean {
  return status === 408 || status === 480 || status === 491 || (status >= 500 && status < 600);
}
