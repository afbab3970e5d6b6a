/**
 * A TLS connection that came up or failed, said to whoever waits for it: a registration, a call, or nobody yet.
 *
 * It is said before the requests on it fail, so that the cause stands above its consequences.
 */
import type { Account } from './endpoint-config.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { formatAddress, type NextHop, type ServerHop, type SocketAddress } from './flow.ts';
import type { TlsFault, TlsSession } from './tls.ts';
import { insecureDiagnosis, type LedBy, tlsDiagnosis } from './tls-diagnosis.ts';
import type { TransactionUser } from './transaction-user.ts';
import type { Turn } from './turn.ts';

/** Diagnoses of one connection: many calls may wait for it, and all of them would say the same. */
const MOST_SAID = 4;

interface About {
  readonly call?: string;
  readonly account?: string;
}

/** What was agreed, and a warning when nobody knows with whom. */
export function reportSecured(
  parts: EndpointParts,
  turn: Turn,
  connection: number,
  remote: SocketAddress,
  tls: TlsSession,
): void {
  const { protocol, cipher, verified, certificate, ignored } = tls;
  const at = formatAddress(remote);
  const users = parts.agent.transactions.usersOn(connection);
  turn.emit({
    type: 'connection.secured',
    ...aboutOf(users[0]),
    direction: connection % 2 === 0 ? 'outgoing' : 'incoming',
    remote: at,
    protocol,
    cipher,
    ...(verified === undefined ? undefined : { verified }),
    ...(certificate === undefined
      ? undefined
      : {
          subject: certificate.subject,
          issuer: certificate.issuer,
          notAfter: certificate.notAfter,
          serial: certificate.serial,
        }),
  });
  if (ignored === undefined) return;
  for (const about of whomToTell(users)) turn.emit({ ...insecureDiagnosis(ignored, at), ...about });
}

/** A connection of ours that came to nothing. */
interface FaultyConnection {
  readonly connection: number;
  readonly remote: SocketAddress;
  readonly fault: TlsFault;
  /** A server that is not tried in its place, because it would be reached without TLS (bid-down.ts). */
  readonly refused: ServerHop | undefined;
}

/**
 * Why a connection of ours is not used. A registration hears each fault once for a row of failures: it is tried again
 * and again by itself.
 */
export function reportTlsFault(
  parts: EndpointParts,
  turn: Turn,
  { connection, remote, fault, refused }: FaultyConnection,
): void {
  const at = formatAddress(remote);
  const users = parts.agent.transactions.usersOn(connection);
  const fresh = users.filter(
    (user) => user.kind !== 'registration' || user.failures === 0 || !user.faultsSaid.has(fault.code),
  );
  for (const user of users) {
    if (user.kind === 'ping') user.explained = true;
    if (user.kind === 'call' && user.outgoing !== undefined) user.outgoing.explained = true;
    if (user.kind !== 'registration') continue;
    if (user.failures === 0) user.faultsSaid.clear();
    user.faultsSaid.add(fault.code);
    user.diagnosed = true;
  }
  if (users.length > 0 && fresh.length === 0) return;
  const said = tlsDiagnosis(fault, at, fresh[0] && flagThatLed(parts, fresh[0], fault));
  const next = refused === undefined ? said.next : `${said.next}; ${notTried(refused)}`;
  for (const about of whomToTell(fresh)) turn.emit({ ...said, ...about, next });
}

/** Whoever went on without TLS so far wonders why it does not any more. */
function notTried(server: ServerHop): string {
  const { transport } = server;
  const there = `${formatAddress(server)} over ${transport.toUpperCase()}`;
  return `DNS names ${there} as well, which is not tried: who is in between would have it so (--transport ${transport} does without TLS)`;
}

/** The flag whose value the certificate has to show. */
function flagThatLed(parts: EndpointParts, user: TransactionUser, { domain }: TlsFault): LedBy {
  const [account, asked] = accountOf(user);
  const names = (hop: NextHop | undefined) =>
    hop !== undefined && (hop.domain ?? hop.host).toLowerCase() === domain;
  if (names(parts.agent.proxyFor(account, asked))) return '--proxy';
  return names(account?.server) ? '--server' : undefined;
}

function accountOf(user: TransactionUser): readonly [Account | undefined, NextHop | undefined] {
  switch (user.kind) {
    case 'call':
      return [user.outgoing?.account, user.outgoing?.action.proxy];
    case 'registration':
    case 'ping':
      return [user.account, undefined];
    default:
      return [undefined, undefined];
  }
}

/** Each call and each account once; nobody in particular when neither waits. */
function whomToTell(users: readonly TransactionUser[]): readonly About[] {
  const all = users.map(aboutOf);
  const different = all.filter(
    (one, at) => all.findIndex(({ call, account }) => call === one.call && account === one.account) === at,
  );
  return different.length === 0 ? [{}] : different.slice(0, MOST_SAID);
}

function aboutOf(user: TransactionUser | undefined): About {
  if (user?.kind === 'call') return { call: user.handle };
  if (user?.kind === 'registration') return { account: user.account.addressOfRecord };
  return {};
}
