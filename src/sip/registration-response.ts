/**
 * What became of a REGISTER (RFC 3261 §10.2.4, §10.2.7, §10.2.8, §22.2): granted, challenged, asked for more, refused,
 * or not answered at all.
 *
 * A refused password ends a registration, because asking again locks accounts; what time may mend is tried again.
 */
import { FIRST_ATTEMPT } from '../auth/credentials.ts';
import { checkAdvertised } from './advertised-address.ts';
import { reportChallenges } from './challenge-report.ts';
import { type SipResponse, value, values } from './message.ts';
import { hasMoved } from './moved-contact.ts';
import { flowTimerMs, saysOutbound } from './outbound.ts';
import { retryLater, sendRegister, sendToNext } from './registration-attempt.ts';
import {
  diagnoseChallenge,
  diagnosePasswordMissing,
  diagnoseRefusal,
  diagnoseServiceRoute,
} from './registration-diagnosis.ts';
import { changeRegistration, isOnlyTry, isSameRegistrar, type Registration } from './registration-state.ts';
import type { RegistrationTable } from './registration-table.ts';
import { grantedS, LONGEST_EXPIRES_S, mayPass, renewInMs } from './registration-terms.ts';
import { parseRetryAfter } from './retry-after.ts';
import { readServiceRoute } from './service-route.ts';
import { displayText, readDigits } from './text.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';

/** A Retry-After beyond this is not waited for, in seconds. */
const LONGEST_WAIT_S = 86_400;

/** A response to a REGISTER. */
export function registerResponded(
  table: RegistrationTable,
  turn: Turn,
  transaction: ClientTransaction<unknown>,
  registration: Registration,
  response: SipResponse,
): void {
  const { status } = response;
  // One that was replaced has nothing to learn.
  if (status < 200 || !table.all.includes(registration)) return;
  if (registration.flow !== undefined) table.agent.own.learnMapping(turn, registration.flow, response);
  if (status === 401 || status === 407) return challenged(table, turn, registration, response, status);
  registration.digest.accepted(registration.attempt, values(response, 'Authentication-Info'));
  registration.attempt = FIRST_ATTEMPT;
  registration.pending = false;
  if (status < 300) return accepted(table, turn, transaction, registration, response);
  if (status === 439 && registration.instance !== undefined) {
    // RFC 5626 §4.2.1: a proxy before the registrar does not keep flows. The address alone is registered then.
    registration.instance = undefined;
    return sendRegister(table, turn, registration);
  }
  if (registration.ending) {
    return table.settle(turn, registration, { status, reason: displayText(response.reason) });
  }
  if (status === 423) return tooBrief(table, turn, registration, response);
  refused(table, turn, registration, response);
}

/** No response, or no way to send: the next address, then a back-off. */
export function registerFailed(
  table: RegistrationTable,
  turn: Turn,
  registration: Registration,
  reason: string,
): void {
  if (!table.all.includes(registration)) return;
  registration.attempt = FIRST_ATTEMPT;
  registration.pending = false;
  if (registration.ending) return table.settle(turn, registration, { reason });
  if (!sendToNext(table, turn, registration, reason)) retryLater(table, turn, registration, reason);
}

function accepted(
  table: RegistrationTable,
  turn: Turn,
  transaction: ClientTransaction<unknown>,
  registration: Registration,
  response: SipResponse,
): void {
  const { status } = response;
  const reason = displayText(response.reason);
  if (value(transaction.request, 'Expires') === '0') return table.settle(turn, registration, { status });
  registration.registeredMs = turn.nowMs;
  registration.raised = false;
  const expiresS = grantedS(response, registration.contact, registration.expiresS, registration.instance);
  const inMs = renewInMs(expiresS);
  takeServiceRoute(turn, registration, response);
  checkAdvertised(table.agent, turn, registration, response);
  registration.outbound = registration.instance !== undefined && saysOutbound(response);
  changeRegistration(turn, registration, 'registered', {
    status,
    reason,
    expiresS,
    renewInMs: inMs,
    ...(registration.outbound ? { outbound: true } : undefined),
  });
  registration.bound = registration.contact;
  table.agent.outbound.set(registration.callId, registration.outbound ? registration.flow : undefined);
  endReplaced(table, turn, registration);
  // Asked to stop while this was on its way.
  if (registration.ending) return sendRegister(table, turn, registration);
  if (registration.flow !== undefined)
    table.keepalives.keep(turn, registration.flow, registration, flowTimerMs(response));
  if (hasMoved(table.agent, turn, registration)) return sendRegister(table, turn, registration);
  table.arm(turn, registration, inMs);
}

/** It stands now; the one that stood at another registrar is ended there (§10.2.2). */
function endReplaced(table: RegistrationTable, turn: Turn, registration: Registration): void {
  const { before, account } = registration;
  if (before !== undefined && isSameRegistrar(before.account, account)) registration.before = undefined;
  const elsewhere = table.takeBack(registration);
  if (elsewhere === undefined) return;
  elsewhere.ending = true;
  if (elsewhere.state === 'registered') sendRegister(table, turn, elsewhere);
  else table.drop(elsewhere);
}

/** RFC 3608 §6.1: it replaces the one before, and none ends it. One that cannot be read is none, and is told of. */
function takeServiceRoute(turn: Turn, registration: Registration, response: SipResponse): void {
  const route = readServiceRoute(response);
  registration.serviceRoute = route.ok ? route.value : [];
  if (!route.ok) diagnoseServiceRoute(turn, registration.account, route.error);
}

function challenged(
  table: RegistrationTable,
  turn: Turn,
  registration: Registration,
  response: SipResponse,
  status: 401 | 407,
): void {
  const { account, digest } = registration;
  if (account.password === '') return passwordMissing(table, turn, registration, status);
  const challenges = values(response, status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate');
  const cnonce = table.agent.identifiers.cnonce();
  const verdict = digest.challenged({ status, challenges, cnonce }, registration.attempt);
  if (verdict.type === 'retry') {
    reportChallenges(turn, status, verdict.challenges, { account: account.addressOfRecord });
    registration.attempt = verdict.attempt;
    return sendRegister(table, turn, registration);
  }
  registration.pending = false;
  registration.attempt = FIRST_ATTEMPT;
  table.settle(turn, registration, { status, reason: verdict.reason });
  const answer = `${status} ${displayText(response.reason)} to REGISTER cseq=${registration.sequence}`;
  diagnoseChallenge(turn, account, verdict, answer);
  table.goBack(turn, registration);
}

/** There is nothing to answer a challenge with. */
function passwordMissing(
  table: RegistrationTable,
  turn: Turn,
  registration: Registration,
  status: 401 | 407,
): void {
  registration.pending = false;
  table.settle(turn, registration, { status, reason: 'no password was given' });
  diagnosePasswordMissing(turn, registration.account, status);
  table.goBack(turn, registration);
}

/** 423 (§10.2.8): once more with what the registrar wants at least. */
function tooBrief(
  table: RegistrationTable,
  turn: Turn,
  registration: Registration,
  response: SipResponse,
): void {
  const said = value(response, 'Min-Expires');
  const least = readDigits(said ?? '');
  if (registration.raised || least <= registration.expiresS || least > LONGEST_EXPIRES_S) {
    const wanted = said === undefined ? 'without Min-Expires' : `with Min-Expires ${displayText(said)}`;
    return giveUp(table, turn, registration, 423, `${displayText(response.reason)} ${wanted}`);
  }
  registration.expiresS = least;
  registration.raised = true;
  sendRegister(table, turn, registration);
}

/** The next server after a 503, a back-off when the refusal may pass, else the end of it. */
function refused(
  table: RegistrationTable,
  turn: Turn,
  registration: Registration,
  response: SipResponse,
): void {
  const { status } = response;
  const reason = displayText(response.reason);
  if (status === 503 && sendToNext(table, turn, registration, `503 ${reason}`)) return;
  const after = parseRetryAfter(value(response, 'Retry-After') ?? '');
  const later = mayPass(status) || after.ok;
  if (later && !isOnlyTry(registration)) {
    const afterMs = after.ok ? Math.min(after.value.seconds, LONGEST_WAIT_S) * 1000 : 0;
    return retryLater(table, turn, registration, reason, { status, afterMs });
  }
  const afterS = after.ok ? after.value.seconds : undefined;
  giveUp(table, turn, registration, status, reason, later ? { afterS } : undefined);
}

/** Asking again would not change the answer, or nobody wants it. */
function giveUp(
  table: RegistrationTable,
  turn: Turn,
  registration: Registration,
  status: number,
  reason: string,
  busy?: { readonly afterS: number | undefined },
): void {
  changeRegistration(turn, registration, 'failed', { status, reason });
  const evidence = `${status} ${reason} to REGISTER cseq=${registration.sequence}`;
  diagnoseRefusal(turn, registration.account, status, evidence, busy);
  table.goBack(turn, registration);
}
