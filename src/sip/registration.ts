/**
 * Registration (RFC 3261 §10.2): accounts kept registered for as long as they are wanted, and which of them come, go,
 * and stand on which flow. registration-attempt.ts sends their REGISTERs, registration-response.ts takes the answers.
 *
 * A registration is never hurried twice: a refused password ends it, everything else is tried again after a
 * back-off that doubles, with jitter, so that a registrar that comes back is not met by all its clients at once.
 */
import type { DigestClient } from '../auth/credentials.ts';
import type { Account } from './endpoint-config.ts';
import type { Action } from './endpoint-io.ts';
import { type Flow, flowName, isSameSocket } from './flow.ts';
import type { Keepalives } from './keepalive.ts';
import { MAX_ACCOUNTS } from './limits.ts';
import type { SipResponse } from './message.ts';
import { register, registrarResolved, retryLater, sendRegister } from './registration-attempt.ts';
import { diagnoseTooManyAccounts } from './registration-diagnosis.ts';
import { registerFailed, registerResponded } from './registration-response.ts';
import {
  changeRegistration,
  isSameRegistrar,
  isStanding,
  newRegistration,
  type Registration,
} from './registration-state.ts';
import { RegistrationTable } from './registration-table.ts';
import type { FoundServers } from './server-location.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { parseUri } from './uri.ts';
import type { UserAgent } from './user-agent.ts';

type AddAccount = Extract<Action, { type: 'add-account' }>;

/** A connection that falls sooner after a registration did not carry it: a back-off, not at once again, in ms. */
const BRIEF_CONNECTION_MS = 10_000;

/** One for an endpoint; what the rest of it asks and tells of registrations. */
export class Registrations {
  readonly table: RegistrationTable;

  constructor(private readonly agent: UserAgent) {
    this.table = new RegistrationTable(agent);
  }

  get keepalives(): Keepalives {
    return this.table.keepalives;
  }

  nextMs(): number | undefined {
    return this.table.deadlines.nextMs();
  }

  /** Whether a connection carries a registration, and so requests for us. */
  uses(connection: number): boolean {
    return this.table.all.some(
      ({ flow, state, pending }) => flow?.connection === connection && (pending || state === 'registered'),
    );
  }

  /** Whether an account is registered by way of that flow, and wants to be. */
  standsOn(flow: Flow): boolean {
    const name = flowName(flow);
    return this.table.all.some((one) => {
      return (
        one.flow !== undefined && one.state === 'registered' && !one.ending && flowName(one.flow) === name
      );
    });
  }

  /** Whether every registration that was to be ended has been. */
  get ended(): boolean {
    return this.table.all.every(({ pending, ending }) => ending && !pending);
  }

  /** The digest state of an account, which its calls share, also those from before it was replaced. */
  digestOf({ addressOfRecord }: Account): DigestClient | undefined {
    return this.table.find(addressOfRecord)?.digest;
  }

  /** The digest state of the account whose registrar is at the other end of that flow; `who` as in `accountTowards`. */
  digestTowards(flow: Flow, who?: string): DigestClient | undefined {
    return this.towards(flow, who)?.digest;
  }

  /** The Service-Route that the registrar of an account has given (RFC 3608); empty: none. */
  serviceRouteOf({ addressOfRecord }: Account): readonly string[] {
    return this.table.find(addressOfRecord)?.serviceRoute ?? [];
  }

  /** The account whose registrar is at the other end of that flow; of several, the one of the URI `who`. */
  accountTowards(flow: Flow, who?: string): Account | undefined {
    return this.towards(flow, who)?.account;
  }

  private towards({ remote }: Flow, who: string | undefined): Registration | undefined {
    const there = this.table.all.filter(
      ({ flow }) => flow !== undefined && isSameSocket(flow.remote, remote),
    );
    if (there.length < 2 || who === undefined) return there[0];
    const uri = parseUri(who);
    const user = uri.ok && uri.value.kind === 'sip' ? uri.value.user : undefined;
    const named = there.filter(({ account }) => account.user === user);
    return named.find(({ account }) => account.addressOfRecord === who) ?? named[0] ?? there[0];
  }

  /** Registers every account, now. */
  start(turn: Turn): void {
    for (const registration of this.table.all) {
      if (registration.pending || registration.ending) continue;
      registration.failures = 0;
      register(this.table, turn, registration);
    }
  }

  /**
   * Takes an account up, and registers it unless it is for calls alone. One that is there already under the same
   * address is replaced: with the same server it goes on with its Call-ID and CSeq (§10.2.4), at another one the old
   * binding is ended first. `once`: one that stands is replaced when the new one does, and goes on when that fails.
   */
  add(turn: Turn, { account, register: now = true, once = false }: AddAccount): void {
    const old = this.table.find(account.addressOfRecord);
    const { accounts, identifiers, config } = this.agent;
    const replaced = old !== undefined && isSameRegistrar(old.account, account) ? old : old?.before;
    const added = newRegistration(identifiers, account, config.outbound?.instance, replaced);
    added.once = once;
    if (old === undefined) {
      if (this.table.all.length >= MAX_ACCOUNTS) return diagnoseTooManyAccounts(turn, account);
      accounts.push(account);
    } else {
      accounts.splice(accounts.indexOf(old.account), 1, account);
      const { before } = old;
      old.before = undefined;
      if (now && once && isStanding(old.state)) added.before = this.table.setAside(old);
      else if (isSameRegistrar(old.account, account)) this.table.drop(old);
      else this.end(turn, old);
      added.before ??= before;
    }
    this.table.all.push(added);
    if (now) register(this.table, turn, added);
  }

  /** Unregisters an account and forgets it. False when there is none of that address. */
  remove(turn: Turn, addressOfRecord: string): boolean {
    const registration = this.table.find(addressOfRecord);
    if (registration === undefined) return false;
    const { accounts } = this.agent;
    accounts.splice(accounts.indexOf(registration.account), 1);
    // The one that it was to take the place of ends under the same Call-ID, and says so.
    const kept = registration.before?.callId === registration.callId;
    this.end(turn, registration);
    // Nothing had to be sent for it: this is its end. One that was for calls alone has none.
    if (registration.state !== 'idle' && !kept && !this.table.all.includes(registration))
      changeRegistration(turn, registration, 'unregistered');
    return true;
  }

  /** Ends every registration (§10.2.2). */
  stop(turn: Turn): void {
    for (const registration of [...this.table.all]) this.end(turn, registration);
  }

  /** Unregisters what is registered; what is under way is ended when its response comes. */
  private end(turn: Turn, registration: Registration): void {
    if (registration.ending) return;
    const { callId } = registration;
    const before = this.table.takeBack(registration);
    if (before !== undefined) {
      // At the same registrar there is one binding, and whoever asks last has the say (§10.2.4).
      if (before.callId === callId) this.table.drop(registration);
      this.end(turn, before);
      if (before.callId === callId) return;
    }
    registration.ending = true;
    this.table.deadlines.disarm(registration.timer);
    const { state, pending, resolving } = registration;
    // Nothing is out while a name is being looked up.
    if (state === 'registered' && (!pending || resolving))
      return sendRegister(this.table, turn, registration);
    if (pending && !resolving) return;
    this.table.drop(registration);
  }

  /** The name of a registrar was looked up. */
  resolved(turn: Turn, found: FoundServers): void {
    registrarResolved(this.table, turn, found);
  }

  /** A response to a REGISTER. */
  response(
    turn: Turn,
    transaction: ClientTransaction<unknown>,
    registration: Registration,
    response: SipResponse,
  ): void {
    registerResponded(this.table, turn, transaction, registration, response);
  }

  /** No response, or no way to send. */
  failed(turn: Turn, registration: Registration, reason: string): void {
    registerFailed(this.table, turn, registration, reason);
  }

  /** A connection is gone; `moved`: with our address, and not for any fault of the server's. */
  connectionLost(turn: Turn, connection: number, error: string, moved = false): void {
    this.lost(turn, (flow) => flow.connection === connection, error, moved);
  }

  /** A flow over UDP is dead: its other side says nothing any more, or sees us elsewhere (RFC 5626 §4.4.2). */
  flowLost(turn: Turn, lost: Flow, reason: string): void {
    this.lost(turn, (flow) => flowName(flow) === flowName(lost), reason);
  }

  /** What was registered over a flow that is gone is registered again at once (RFC 5626 §4.4.1 asks for it). */
  private lost(turn: Turn, isIt: (flow: Flow) => boolean, reason: string, moved = false): void {
    for (const registration of this.table.all) {
      const { flow, pending } = registration;
      if (flow === undefined || pending || !isIt(flow)) continue;
      this.table.lostFlow(registration);
      if (registration.ending || registration.state !== 'registered') continue;
      if (!moved && turn.nowMs - registration.registeredMs < BRIEF_CONNECTION_MS) {
        retryLater(this.table, turn, registration, reason, { flow });
        continue;
      }
      registration.failures = 0;
      changeRegistration(turn, registration, 'retrying', { reason, retryInMs: 0 });
      register(this.table, turn, registration);
    }
  }

  /** Refreshes and retries whose time has come. */
  advance(turn: Turn): void {
    for (
      let due = this.table.deadlines.takeDue(turn.nowMs);
      due !== undefined;
      due = this.table.deadlines.takeDue(turn.nowMs)
    ) {
      if (due.owner.state === 'registered') due.owner.failures = 0;
      due.owner.moved = false;
      register(this.table, turn, due.owner);
    }
  }
}
