/**
 * The registrations of an endpoint and their timers (RFC 3261 §10.2): who is in the list, and who leaves it.
 *
 * It stands below registration.ts, because what a try of a REGISTER does and what its response means both need the
 * list, and neither needs the other's owner.
 */
import { FIRST_ATTEMPT } from '../auth/credentials.ts';
import { Deadlines } from './deadlines.ts';
import type { NextHop } from './flow.ts';
import { Keepalives } from './keepalive.ts';
import { diagnoseKept } from './registration-diagnosis.ts';
import { changeRegistration, newRegistration, type Registration } from './registration-state.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/** At most `MAX_ACCOUNTS`, and those that are being ended. */
export class RegistrationTable {
  readonly all: Registration[];
  readonly deadlines = new Deadlines<Registration>();
  /** Of what is registered. */
  readonly keepalives: Keepalives;

  constructor(readonly agent: UserAgent) {
    this.keepalives = new Keepalives(agent);
    this.all = agent.accounts.map((account) =>
      newRegistration(agent.identifiers, account, agent.config.outbound?.instance),
    );
  }

  /** The one of that address that is wanted; another may still be ending. */
  find(addressOfRecord: string): Registration | undefined {
    return this.all.find(({ account, ending }) => !ending && account.addressOfRecord === addressOfRecord);
  }

  /** Nobody reaches the account by its flow any more. */
  lostFlow(registration: Registration): void {
    registration.flow = undefined;
    this.agent.outbound.set(registration.callId, undefined);
  }

  drop(registration: Registration): void {
    this.agent.outbound.set(registration.callId, undefined);
    this.deadlines.disarm(registration.timer);
    this.all.splice(this.all.indexOf(registration), 1);
  }

  /** It waits outside the list for what becomes of another one of its address. */
  setAside(registration: Registration): Registration {
    this.drop(registration);
    registration.pending = false;
    registration.resolving = false;
    registration.attempt = FIRST_ATTEMPT;
    return registration;
  }

  /** Puts the one before back where it was; undefined when there was none. The caller sees to what is next for it. */
  takeBack(registration: Registration): Registration | undefined {
    const { before, sequence } = registration;
    if (before === undefined) return undefined;
    registration.before = undefined;
    // §10.2.4: the same Call-ID, and a CSeq that only rises.
    if (before.callId === registration.callId) before.sequence = sequence;
    this.all.push(before);
    return before;
  }

  /**
   * The only try of what was to take the place of a registration has failed: that one goes on. It is refreshed at once,
   * because the registrar, or the way to it, may have changed meanwhile.
   */
  goBack(turn: Turn, registration: Registration): void {
    const before = this.takeBack(registration);
    if (before === undefined) return;
    const { accounts } = this.agent;
    this.drop(registration);
    accounts.splice(accounts.indexOf(registration.account), 1, before.account);
    diagnoseKept(turn, before.account);
    const { state } = before;
    // What was said of the account last, by the try that failed: the change that is told goes from there.
    before.state = 'failed';
    const soon = state === 'retrying' ? { retryInMs: 0 } : {};
    changeRegistration(turn, before, state, { reason: 'as it was before', ...soon });
    this.arm(turn, before, 0);
  }

  /** An ended registration is forgotten; another one says that it failed. */
  settle(turn: Turn, registration: Registration, about: { status?: number; reason?: string }): void {
    if (registration.ending) this.drop(registration);
    changeRegistration(turn, registration, registration.ending ? 'unregistered' : 'failed', about);
  }

  /** When its next REGISTER is due. */
  arm(turn: Turn, registration: Registration, inMs: number): void {
    this.deadlines.disarm(registration.timer);
    registration.timer = this.deadlines.arm(turn.nowMs + inMs, 'registration', registration);
  }

  /** Where REGISTERs go: the proxy that was set, else the account's server. */
  hopOf({ account }: Registration): NextHop {
    return this.agent.proxyFor(account) ?? account.server;
  }
}
