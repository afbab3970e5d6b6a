/**
 * One account's registration as plain data, and its changes of state (RFC 3261 §10.2). registration.ts moves it.
 */
import { type Attempt, DigestClient, FIRST_ATTEMPT } from '../auth/credentials.ts';
import type { EventOf } from '../events.ts';
import type { Deadline } from './deadlines.ts';
import type { Account } from './endpoint-config.ts';
import type { Flow, ServerHop } from './flow.ts';
import type { Identifiers } from './identifiers.ts';
import { instanceUrn } from './instance-id.ts';
import { isSameHop } from './server-location.ts';
import type { TlsFaultCode } from './tls.ts';
import type { Turn } from './turn.ts';

export type RegistrationState = EventOf<'registration.changed'>['to'];

/** Mutable; the table owns it. */
export interface Registration {
  readonly kind: 'registration';
  readonly account: Account;
  readonly digest: DigestClient;
  /** The same for all REGISTERs of a session (§10.2.4). */
  readonly callId: string;
  readonly fromTag: string;
  state: RegistrationState;
  sequence: number;
  expiresS: number;
  /** Raised for a 423, and not accepted since: the registrar has said what it wants, and may say it once. */
  raised: boolean;
  /** The servers of the registrar, and which one is in use. */
  servers: readonly ServerHop[];
  serverIndex: number;
  /** Its name is being looked up; `pending` as well. */
  resolving: boolean;
  flow: Flow | undefined;
  /** Whether a REGISTER is out. */
  pending: boolean;
  /** Unregistering, or done with it. */
  ending: boolean;
  attempt: Attempt;
  /** Failures in a row. A registration that stood until its refresh ends the row. */
  failures: number;
  /** What its failure comes from was said, by whoever knew more of it. */
  diagnosed: boolean;
  /** Faults of TLS that were said in this row of failures. */
  readonly faultsSaid: Set<TlsFaultCode>;
  /** When it was granted last; 0: never. */
  registeredMs: number;
  /** Whoever asked waits for its first try, and wants no other one. */
  once: boolean;
  /** The one that it takes the place of once it stands, and gives it back to when its only try fails. */
  before: Registration | undefined;
  /** The Contact of the last REGISTER. */
  contact: string;
  /** The Contact that the registrar has bound, as far as we know; empty: none. */
  bound: string;
  /** Our instance id, while the flow is to be registered as well (RFC 5626 §4.2); undefined: the address alone is. */
  instance: string | undefined;
  /** What its last 200 said (RFC 3608). */
  serviceRoute: readonly string[];
  /** The registrar has bound the flow (RFC 5626 §4.2.1). */
  outbound: boolean;
  /** It was registered again because our address had changed, and that was not the end of it yet. */
  moved: boolean;
  /** What was said last of `--advertise-ip` (advertised-address.ts). */
  advertisedElsewhere?: string | undefined;
  /** No way led to the registrar meanwhile. */
  cutOff?: boolean;
  timer: Deadline<Registration> | undefined;
}

/** Whether a try that fails is the end of it. */
export function isOnlyTry({ once, registeredMs }: Registration): boolean {
  return once && registeredMs === 0;
}

/** States in which a registration is worth going back to: it stood, and somebody works for it. */
export function isStanding(state: RegistrationState): boolean {
  return state === 'registered' || state === 'retrying';
}

/** The same server over the same transport, and the same user there: a REGISTER refreshes the old binding. */
export function isSameRegistrar(one: Account, other: Account): boolean {
  const [left, right] = [one.server, other.server];
  return (
    left.host === right.host &&
    left.port === right.port &&
    left.transport === right.transport &&
    one.user === other.user
  );
}

/** A registration that has not begun; one that it replaces at the same registrar hands on its Call-ID and CSeq. */
export function newRegistration(
  identifiers: Identifiers,
  account: Account,
  instance: string | undefined,
  replaced?: Registration,
): Registration {
  const same = replaced !== undefined && isSameRegistrar(replaced.account, account) ? replaced : undefined;
  return {
    kind: 'registration',
    account,
    digest: new DigestClient(account.authUser, account.password),
    callId: same?.callId ?? identifiers.callId(),
    fromTag: same?.fromTag ?? identifiers.tag(),
    state: 'idle',
    sequence: same?.sequence ?? 0,
    expiresS: account.expiresS,
    raised: false,
    servers: [],
    serverIndex: 0,
    resolving: false,
    flow: undefined,
    pending: false,
    ending: false,
    attempt: FIRST_ATTEMPT,
    failures: 0,
    diagnosed: false,
    faultsSaid: new Set(),
    registeredMs: 0,
    once: false,
    before: undefined,
    contact: '',
    bound: same?.bound ?? '',
    instance: instance === undefined ? undefined : instanceUrn(instance, account.addressOfRecord),
    serviceRoute: same?.serviceRoute ?? [],
    outbound: same?.outbound ?? false,
    moved: false,
    timer: undefined,
  };
}

/**
 * The servers that DNS names now. The one that has the binding stays the first while it is among them; DNS being away
 * ends no registration that stands.
 */
export function takeServers(registration: Registration, servers: readonly ServerHop[]): void {
  const registered = registration.state === 'registered';
  if (servers.length === 0 && registered) return;
  const inUse = registration.servers[registration.serverIndex];
  const stays = registered && inUse !== undefined && servers.some((one) => isSameHop(one, inUse));
  registration.servers = stays ? [inUse, ...servers.filter((one) => !isSameHop(one, inUse))] : servers;
  registration.serverIndex = 0;
}

/** Moves it and says so. */
export function changeRegistration(
  turn: Turn,
  registration: Registration,
  to: RegistrationState,
  about: Omit<EventOf<'registration.changed'>, 'type' | 'account' | 'callId' | 'from' | 'to'> = {},
): void {
  const from = registration.state;
  registration.state = to;
  turn.emit({
    type: 'registration.changed',
    account: registration.account.addressOfRecord,
    callId: registration.callId,
    from,
    to,
    ...about,
  });
}
