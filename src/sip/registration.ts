/**
 * Registration (RFC 3261 §10.2): one account kept registered, for as long as it is wanted.
 *
 * A registration is never hurried twice: a refused password ends it, everything else is tried again after a
 * back-off that doubles, with jitter, so that a registrar that comes back is not met by all its clients at once.
 */
import { type DigestClient, FIRST_ATTEMPT } from '../auth/credentials.ts';
import { reportChallenges } from './challenge-report.ts';
import { Deadlines } from './deadlines.ts';
import type { Account } from './endpoint-config.ts';
import { type Flow, hopAt, type NextHop, socketOf } from './flow.ts';
import { addressFamily } from './ip-address.ts';
import { Keepalives } from './keepalive.ts';
import { MAX_ACCOUNTS } from './limits.ts';
import { NO_BODY, type SipResponse, value, values } from './message.ts';
import { hasMoved } from './moved-contact.ts';
import { registerRequest } from './register-request.ts';
import {
  adviceOnChallenge,
  adviceOnStatus,
  diagnosePasswordMissing,
  diagnoseTooManyAccounts,
  diagnoseUnreachable,
} from './registration-diagnosis.ts';
import {
  changeRegistration,
  isSameRegistrar,
  newRegistration,
  type Registration,
  takeServers,
} from './registration-state.ts';
import { backOffMs, grantedS, LONGEST_EXPIRES_S, mayPass, renewInMs } from './registration-terms.ts';
import { parseRetryAfter } from './retry-after.ts';
import { answers, type FoundServers, queryOf, serverHops } from './server-location.ts';
import { displayText, readDigits } from './text.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/** A Retry-After beyond this is not waited for, in seconds. */
const LONGEST_WAIT_S = 86_400;
/** A connection that falls sooner after a registration did not carry it: a back-off, not at once again, in ms. */
const BRIEF_CONNECTION_MS = 10_000;

export class Registrations {
  private readonly all: Registration[];
  private readonly deadlines = new Deadlines<Registration>();

  /** Of what is registered. */
  readonly keepalives: Keepalives;

  constructor(private readonly agent: UserAgent) {
    this.keepalives = new Keepalives(agent);
    this.all = agent.accounts.map((account) => newRegistration(agent.identifiers, account));
  }

  nextMs(): number | undefined {
    return this.deadlines.nextMs();
  }

  /** Whether a connection carries a registration, and so requests for us. */
  uses(connection: number): boolean {
    return this.all.some(
      ({ flow, state, pending }) => flow?.connection === connection && (pending || state === 'registered'),
    );
  }

  /** Whether an account is registered by way of that flow, and wants to be. */
  standsOn({ transport, remote, connection }: Flow): boolean {
    return this.all.some(({ flow, state, ending }) => {
      if (flow === undefined || state !== 'registered' || ending) return false;
      if (connection !== undefined) return flow.connection === connection;
      const same = flow.remote.address === remote.address && flow.remote.port === remote.port;
      return same && flow.transport === transport && this.agent.mapped.towards(flow) !== undefined;
    });
  }

  /** Whether every registration that was to be ended has been. */
  get ended(): boolean {
    return this.all.every(({ pending, ending }) => ending && !pending);
  }

  /** The digest state of an account, which its calls share, also those from before it was replaced. */
  digestOf({ addressOfRecord }: Account): DigestClient | undefined {
    return this.find(addressOfRecord)?.digest;
  }

  /** The digest state of the account whose registrar is at the other end of that flow. */
  digestTowards({ remote }: Flow): DigestClient | undefined {
    return this.all.find(
      ({ flow }) => flow?.remote.address === remote.address && flow.remote.port === remote.port,
    )?.digest;
  }

  /** Registers every account, or the one that is named, now. */
  start(turn: Turn, account?: string): void {
    for (const registration of this.all) {
      const named = account === undefined || registration.account.addressOfRecord === account;
      if (!named || registration.pending || registration.ending) continue;
      registration.failures = 0;
      this.register(turn, registration);
    }
  }

  /**
   * Takes an account up, and registers it unless it is for calls alone. One that is there already under the same
   * address is replaced: with the same server it goes on with its Call-ID and CSeq (§10.2.4), at another one the old
   * binding is ended first.
   */
  add(turn: Turn, account: Account, register = true): void {
    const old = this.find(account.addressOfRecord);
    const { accounts } = this.agent;
    const added = newRegistration(this.agent.identifiers, account, old);
    if (old === undefined) {
      if (this.all.length >= MAX_ACCOUNTS) return diagnoseTooManyAccounts(turn, account);
      accounts.push(account);
    } else {
      accounts.splice(accounts.indexOf(old.account), 1, account);
      if (isSameRegistrar(old.account, account)) this.drop(old);
      else this.end(turn, old);
    }
    this.all.push(added);
    if (register) this.register(turn, added);
  }

  /** Unregisters an account and forgets it. False when there is none of that address. */
  remove(turn: Turn, addressOfRecord: string): boolean {
    const registration = this.find(addressOfRecord);
    if (registration === undefined) return false;
    const { accounts } = this.agent;
    accounts.splice(accounts.indexOf(registration.account), 1);
    this.end(turn, registration);
    // Nothing had to be sent for it: this is its end. One that was for calls alone has none.
    if (registration.state !== 'idle' && !this.all.includes(registration))
      changeRegistration(turn, registration, 'unregistered');
    return true;
  }

  /** Ends every registration (§10.2.2). */
  stop(turn: Turn): void {
    for (const registration of [...this.all]) this.end(turn, registration);
  }

  /** Unregisters what is registered; what is under way is ended when its response comes. */
  private end(turn: Turn, registration: Registration): void {
    if (registration.ending) return;
    registration.ending = true;
    this.deadlines.disarm(registration.timer);
    const { state, pending, resolving } = registration;
    // Nothing is out while a name is being looked up.
    if (state === 'registered' && (!pending || resolving)) return this.send(turn, registration);
    if (pending && !resolving) return;
    this.drop(registration);
  }

  /** The one of that address that is wanted; another may still be ending. */
  private find(addressOfRecord: string): Registration | undefined {
    return this.all.find(({ account, ending }) => !ending && account.addressOfRecord === addressOfRecord);
  }

  private drop(registration: Registration): void {
    this.deadlines.disarm(registration.timer);
    this.all.splice(this.all.indexOf(registration), 1);
  }

  /** An ended registration is forgotten; another one says that it failed. */
  private settle(turn: Turn, registration: Registration, about: { status?: number; reason?: string }): void {
    if (registration.ending) this.drop(registration);
    changeRegistration(turn, registration, registration.ending ? 'unregistered' : 'failed', about);
  }

  /** The name of a registrar was looked up. */
  resolved(turn: Turn, found: FoundServers): void {
    for (const registration of this.all) {
      const hop = this.hopOf(registration);
      if (!registration.resolving || !answers(found, hop)) continue;
      const servers = serverHops(hop, found, () => this.agent.identifiers.fraction());
      takeServers(registration, servers);
      if (registration.servers.length > 0) this.send(turn, registration);
      else this.retry(turn, registration, found.error ?? `${found.host} has no address`);
    }
  }

  /** The next server, when there is one (RFC 3263 §4.3). */
  private sendNext(turn: Turn, registration: Registration): boolean {
    if (registration.serverIndex + 1 >= registration.servers.length) return false;
    registration.serverIndex += 1;
    this.send(turn, registration);
    return true;
  }

  /** The final response to a REGISTER. */
  response(
    turn: Turn,
    transaction: ClientTransaction<unknown>,
    registration: Registration,
    response: SipResponse,
  ): void {
    const { status } = response;
    // One that was replaced has nothing to learn.
    if (status < 200 || !this.all.includes(registration)) return;
    if (registration.flow !== undefined) this.agent.learnMapping(turn, registration.flow, response);
    if (status === 401 || status === 407) return this.challenged(turn, registration, response, status);
    registration.digest.accepted(registration.attempt, values(response, 'Authentication-Info'));
    registration.attempt = FIRST_ATTEMPT;
    registration.pending = false;
    if (status < 300) return this.accepted(turn, transaction, registration, response);
    const reason = displayText(response.reason);
    if (registration.ending) return this.settle(turn, registration, { status, reason });
    if (status === 423) return this.tooBrief(turn, registration, response);
    if (status === 503 && this.sendNext(turn, registration)) return;
    const after = parseRetryAfter(value(response, 'Retry-After') ?? '');
    if (mayPass(status) || after.ok) {
      const afterMs = after.ok ? Math.min(after.value.seconds, LONGEST_WAIT_S) * 1000 : 0;
      this.retry(turn, registration, reason, { status, afterMs });
    } else {
      changeRegistration(turn, registration, 'failed', { status, reason });
      turn.emit({
        type: 'diagnosis.raised',
        account: registration.account.addressOfRecord,
        code: 'registration-refused',
        severity: 'error',
        evidence: `${status} ${reason} to REGISTER cseq=${registration.sequence}`,
        ...adviceOnStatus(status),
      });
    }
  }

  /** No response, or no way to send: the next address, then a back-off. */
  failed(turn: Turn, registration: Registration, reason: string): void {
    if (!this.all.includes(registration)) return;
    registration.attempt = FIRST_ATTEMPT;
    registration.pending = false;
    if (registration.ending) return this.settle(turn, registration, { reason });
    if (!this.sendNext(turn, registration)) this.retry(turn, registration, reason);
  }

  /** A connection is gone: what was registered over it is registered again at once (RFC 5626 §4.4.1 asks for it). */
  connectionLost(turn: Turn, connection: number, error: string): void {
    for (const registration of this.all) {
      if (registration.flow?.connection !== connection || registration.pending) continue;
      registration.flow = undefined;
      if (registration.ending || registration.state !== 'registered') continue;
      if (turn.nowMs - registration.registeredMs < BRIEF_CONNECTION_MS) {
        this.retry(turn, registration, error);
        continue;
      }
      registration.failures = 0;
      changeRegistration(turn, registration, 'retrying', { reason: error, retryInMs: 0 });
      this.register(turn, registration);
    }
  }

  /** Refreshes and retries whose time has come. */
  advance(turn: Turn): void {
    for (
      let due = this.deadlines.takeDue(turn.nowMs);
      due !== undefined;
      due = this.deadlines.takeDue(turn.nowMs)
    ) {
      if (due.owner.state === 'registered') due.owner.failures = 0;
      due.owner.moved = false;
      this.register(turn, due.owner);
    }
  }

  private register(turn: Turn, registration: Registration): void {
    this.deadlines.disarm(registration.timer);
    if (registration.pending || registration.ending) return;
    const hop = this.hopOf(registration);
    if (addressFamily(hop.host) === undefined) {
      // At each refresh anew: no answer of DNS is held beyond what it was asked for, whatever its time to live.
      registration.pending = true;
      registration.resolving = true;
      return turn.ask({ type: 'resolve', ...queryOf(hop) });
    }
    registration.servers = [hopAt(hop, hop.host)];
    registration.serverIndex = 0;
    this.send(turn, registration);
  }

  private send(turn: Turn, registration: Registration): void {
    const { account, digest, ending } = registration;
    const server = registration.servers[registration.serverIndex];
    if (server === undefined) return this.retry(turn, registration, 'the registrar has no address');
    registration.pending = true;
    registration.resolving = false;
    const { state } = registration;
    if (!ending && state !== 'registered' && state !== 'registering') {
      changeRegistration(turn, registration, 'registering');
    }
    const flow = this.agent.transport.flowTo(turn, server.transport, socketOf(server));
    registration.flow = flow;
    registration.sequence += 1;
    registration.contact = this.agent.contact(flow, account.user);
    const uri = `sip:${account.domain}`;
    const credentials = digest.authorize({ method: 'REGISTER', uri, body: NO_BODY }, registration.attempt);
    registration.attempt = credentials.attempt;
    this.agent.request(turn, registerRequest(registration, uri, credentials.fields), flow, registration);
  }

  /** Where REGISTERs go: the proxy that was set, else the account's server. */
  private hopOf({ account }: Registration): NextHop {
    const proxy = this.agent.proxyFor(account);
    if (proxy === undefined) return account.server;
    return { transport: proxy.transport, host: proxy.address, port: proxy.port };
  }

  private challenged(turn: Turn, registration: Registration, response: SipResponse, status: 401 | 407): void {
    if (registration.account.password === '') return this.passwordMissing(turn, registration, status);
    const challenges = values(response, status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate');
    const cnonce = this.agent.identifiers.cnonce();
    const verdict = registration.digest.challenged({ status, challenges, cnonce }, registration.attempt);
    if (verdict.type === 'retry') {
      reportChallenges(turn, status, verdict.challenges, { account: registration.account.addressOfRecord });
      registration.attempt = verdict.attempt;
      return this.send(turn, registration);
    }
    registration.pending = false;
    registration.attempt = FIRST_ATTEMPT;
    this.settle(turn, registration, { status, reason: verdict.reason });
    turn.emit({
      type: 'diagnosis.raised',
      account: registration.account.addressOfRecord,
      code: verdict.code,
      severity: 'error',
      evidence: `${status} ${displayText(response.reason)} to REGISTER cseq=${registration.sequence}: ${verdict.reason}`,
      ...adviceOnChallenge(verdict.code),
    });
  }

  /** There is nothing to answer a challenge with. */
  private passwordMissing(turn: Turn, registration: Registration, status: 401 | 407): void {
    registration.pending = false;
    const reason = 'no password was given';
    this.settle(turn, registration, { status, reason });
    diagnosePasswordMissing(turn, registration.account, status);
  }

  private accepted(
    turn: Turn,
    transaction: ClientTransaction<unknown>,
    registration: Registration,
    response: SipResponse,
  ): void {
    const { status } = response;
    const reason = displayText(response.reason);
    if (value(transaction.request, 'Expires') === '0') {
      return this.settle(turn, registration, { status });
    }
    registration.registeredMs = turn.nowMs;
    registration.raised = false;
    const expiresS = grantedS(response, registration.contact, registration.expiresS);
    const inMs = renewInMs(expiresS);
    changeRegistration(turn, registration, 'registered', { status, reason, expiresS, renewInMs: inMs });
    registration.bound = registration.contact;
    // Asked to stop while this was on its way.
    if (registration.ending) return this.send(turn, registration);
    if (registration.flow !== undefined) this.keepalives.keep(turn, registration.flow);
    if (hasMoved(this.agent, turn, registration)) return this.send(turn, registration);
    this.arm(turn, registration, inMs);
  }

  /** 423 (§10.2.8): once more with what the registrar wants at least. */
  private tooBrief(turn: Turn, registration: Registration, response: SipResponse): void {
    const least = readDigits(value(response, 'Min-Expires') ?? '');
    const reason = `423 with Min-Expires ${least}`;
    if (registration.raised || least <= registration.expiresS || least > LONGEST_EXPIRES_S) {
      return changeRegistration(turn, registration, 'failed', { status: 423, reason });
    }
    registration.expiresS = least;
    registration.raised = true;
    this.send(turn, registration);
  }

  private retry(
    turn: Turn,
    registration: Registration,
    reason: string,
    about: { readonly status?: number; readonly afterMs?: number } = {},
  ): void {
    registration.pending = false;
    registration.resolving = false;
    registration.flow = undefined;
    const backOff = backOffMs(registration.failures, this.agent.identifiers.fraction());
    registration.failures += 1;
    const retryInMs = Math.round(Math.max(backOff, about.afterMs ?? 0));
    const status = about.status === undefined ? {} : { status: about.status };
    changeRegistration(turn, registration, 'retrying', { ...status, reason, retryInMs });
    // Once for a row of failures, and only when nobody answered at all.
    if (registration.failures === 1 && about.status === undefined) {
      diagnoseUnreachable(turn, registration.account, this.hopOf(registration), reason);
    }
    this.arm(turn, registration, retryInMs);
  }

  private arm(turn: Turn, registration: Registration, inMs: number): void {
    this.deadlines.disarm(registration.timer);
    registration.timer = this.deadlines.arm(turn.nowMs + inMs, 'registration', registration);
  }
}
