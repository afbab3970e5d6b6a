/**
 * One try of a REGISTER (RFC 3261 §10.2, RFC 3263 §4.3): the servers of the registrar, the request to one of them,
 * the next one, and the back-off when there is none.
 *
 * A name is looked up at each refresh anew, and asked for when its time to live is over (io/dns-cache.ts): an answer
 * that expires ends no registration that stands.
 */
import { type Flow, hopAt } from './flow.ts';
import { addressFamily } from './ip-address.ts';
import { NO_BODY } from './message.ts';
import { registerRequest } from './register-request.ts';
import { diagnoseUnreachable } from './registration-diagnosis.ts';
import { changeRegistration, isOnlyTry, type Registration, takeServers } from './registration-state.ts';
import type { RegistrationTable } from './registration-table.ts';
import { backOffMs } from './registration-terms.ts';
import { serverFailed } from './server-failed.ts';
import { answers, type FoundServers, queryOf } from './server-location.ts';
import { isSips } from './sips.ts';
import type { Turn } from './turn.ts';

/** Registers, refreshes or tries again, now. */
export function register(table: RegistrationTable, turn: Turn, registration: Registration): void {
  table.deadlines.disarm(registration.timer);
  if (registration.pending || registration.ending) return;
  const hop = table.hopOf(registration);
  if (addressFamily(hop.host) === undefined) {
    registration.pending = true;
    registration.resolving = true;
    return turn.ask({ type: 'resolve', ...queryOf(hop) });
  }
  registration.servers = [hopAt(hop, hop.host)];
  registration.serverIndex = 0;
  sendRegister(table, turn, registration);
}

/** The name of a registrar was looked up. */
export function registrarResolved(table: RegistrationTable, turn: Turn, found: FoundServers): void {
  for (const registration of table.all) {
    const hop = table.hopOf(registration);
    if (!registration.resolving || !answers(found, hop)) continue;
    takeServers(registration, table.agent.serversOf(turn, hop, found));
    if (registration.servers.length > 0) sendRegister(table, turn, registration);
    else retryLater(table, turn, registration, found.error ?? `${found.host} has no address`);
  }
}

/** The REGISTER for what the registration says now, with the credentials that are known. */
export function sendRegister(table: RegistrationTable, turn: Turn, registration: Registration): void {
  const { agent } = table;
  const { account, digest, ending } = registration;
  const server = registration.servers[registration.serverIndex];
  if (server === undefined) return retryLater(table, turn, registration, 'the registrar has no address');
  registration.pending = true;
  registration.resolving = false;
  const { state } = registration;
  if (!ending && state !== 'registered' && state !== 'registering') {
    changeRegistration(turn, registration, 'registering');
  }
  const flow = agent.transport.connections.flowTo(turn, { ...server, explicit: true });
  registration.flow = flow;
  registration.sequence += 1;
  const secure = isSips(account.addressOfRecord);
  registration.contact = agent.contact(flow, account.user, secure);
  const uri = `${secure ? 'sips' : 'sip'}:${account.domain}`;
  const credentials = digest.authorize({ method: 'REGISTER', uri, body: NO_BODY }, registration.attempt);
  registration.attempt = credentials.attempt;
  agent.request(turn, registerRequest(registration, uri, credentials.fields), flow, registration);
}

/** To the next server, when there is one (RFC 3263 §4.3); `what` was wrong with this one. */
export function sendToNext(
  table: RegistrationTable,
  turn: Turn,
  registration: Registration,
  what: string,
): boolean {
  const { servers, serverIndex, flow, account } = registration;
  const next = servers[serverIndex + 1];
  if (next === undefined) return false;
  // Once for a row of failures, as all that is said of them.
  if (registration.failures === 0) {
    const failed = serverFailed('REGISTER', table.hopOf(registration), flow, what, next);
    turn.emit({ type: 'diagnosis.raised', ...failed, account: account.addressOfRecord });
  }
  registration.serverIndex += 1;
  sendRegister(table, turn, registration);
  return true;
}

/** Again after a back-off, or after what the registrar asked for when that is longer; the end of an only try. */
export function retryLater(
  table: RegistrationTable,
  turn: Turn,
  registration: Registration,
  reason: string,
  about: { readonly status?: number; readonly afterMs?: number; readonly flow?: Flow } = {},
): void {
  registration.pending = false;
  registration.resolving = false;
  const flow = about.flow ?? registration.flow;
  table.lostFlow(registration);
  const status = about.status === undefined ? {} : { status: about.status };
  const retryInMs = isOnlyTry(registration) ? undefined : nextTryMs(table, registration, about.afterMs);
  registration.failures += 1;
  if (retryInMs === undefined) changeRegistration(turn, registration, 'failed', { ...status, reason });
  else changeRegistration(turn, registration, 'retrying', { ...status, reason, retryInMs });
  // Once for a row of failures, and only when nobody answered at all.
  if (registration.failures === 1 && about.status === undefined && !registration.diagnosed) {
    const stood = registration.registeredMs > 0;
    diagnoseUnreachable(turn, registration.account, table.hopOf(registration), { reason, flow, stood });
  }
  registration.diagnosed = false;
  if (retryInMs === undefined) table.goBack(turn, registration);
  else table.arm(turn, registration, retryInMs);
}

function nextTryMs(table: RegistrationTable, { failures }: Registration, afterMs = 0): number {
  return Math.round(Math.max(backOffMs(failures, table.agent.identifiers.fraction()), afterMs));
}
