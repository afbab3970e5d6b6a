/** Registrations of others (RFC 3261 §10): what was asked for, and what the registrar said. */
import type { EventOf } from '../events.ts';
import { peerOf } from './answering.ts';
import { parseContacts } from './contact.ts';
import { type SipRequest, type SipResponse, value } from './message.ts';
import type { ReadMessage } from './observed-message.ts';
import { adviceOnStatus } from './registration-diagnosis.ts';
import { grantedS } from './registration-terms.ts';
import { displayText, readDigits } from './text.ts';
import type { Turn } from './turn.ts';

type State = EventOf<'registration.changed'>['to'];

/** One address of record in one Call-ID. */
export interface ObservedRegistration {
  readonly account: string;
  readonly callId: string;
  state: State;
}

/** The one that the first REGISTER of a Call-ID begins. */
export function observedRegistration({ core }: ReadMessage): ObservedRegistration {
  return { account: peerOf(core.to.uri), callId: core.callId, state: 'idle' };
}

/** A REGISTER that was not seen before. */
export function registering(turn: Turn, registration: ObservedRegistration): void {
  if (registration.state === 'registered') return;
  change(turn, registration, 'registering');
}

/** A final response. `retried`: the same is asked again, with credentials or another expiry. */
export function registerAnswered(
  turn: Turn,
  registration: ObservedRegistration,
  request: SipRequest,
  response: SipResponse,
  retried: boolean,
): void {
  const { status } = response;
  if (status < 200 || (status >= 300 && retried)) return;
  if (status < 300) {
    const wantedS = wantedOf(request);
    if (wantedS === 0) return change(turn, registration, 'unregistered', { status });
    const expiresS = grantedS(response, contactOf(request), wantedS ?? 3600);
    return change(turn, registration, 'registered', { status, expiresS });
  }
  const reason = displayText(response.reason);
  change(turn, registration, 'failed', { status, reason });
  turn.emit({
    type: 'diagnosis.raised',
    account: registration.account,
    code: 'registration-refused',
    severity: 'error',
    evidence: `${status} ${reason}`,
    ...adviceOnStatus(status === 401 || status === 407 ? 403 : status),
  });
}

/** No response within 64·T1. */
export function registerUnanswered(turn: Turn, registration: ObservedRegistration): void {
  change(turn, registration, 'failed', { reason: 'no answer in time' });
}

function change(
  turn: Turn,
  registration: ObservedRegistration,
  to: State,
  about: { readonly status?: number; readonly reason?: string; readonly expiresS?: number } = {},
): void {
  const { account, callId, state: from } = registration;
  if (from === to && to === 'registering') return;
  registration.state = to;
  turn.emit({ type: 'registration.changed', account, callId, from, to, ...about });
}

/** The first Contact with its brackets, as `grantedS` looks for it. */
function contactOf(request: SipRequest): string {
  const contacts = parseContacts(request);
  const first = contacts.ok && contacts.value.kind !== 'all' ? contacts.value.contacts[0] : undefined;
  return `<${first?.uri ?? ''}>`;
}

/** What the REGISTER asks for, in seconds; undefined when it leaves it to the registrar. */
function wantedOf(request: SipRequest): number | undefined {
  const contacts = parseContacts(request);
  const own = contacts.ok && contacts.value.kind !== 'all' ? contacts.value.contacts[0]?.expiresS : undefined;
  const otherwise = readDigits(value(request, 'Expires') ?? '');
  return own ?? (otherwise < 0 ? undefined : otherwise);
}
