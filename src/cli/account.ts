/**
 * An account out of settings: who, with what password, where. The address of record is `sip:user@domain`
 * (RFC 3261 §6), and the domain is the server unless another is given, because most providers have one name for both.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { describeFileError } from '../io/wav-file.ts';
import type { Account } from '../sip/endpoint-config.ts';
import { formatHost, type Transport } from '../sip/flow.ts';
import { hopOf } from '../sip/next-hop.ts';
import { withoutBrackets } from './server-address.ts';
import { compareSources, nameOf, type Setting, type Settings, type Source } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** The settings that make an account; the rest of `Settings` does not matter here. */
export type AccountSettings = Pick<
  Settings,
  'user' | 'password' | 'password-file' | 'auth-user' | 'server' | 'port' | 'domain' | 'transport' | 'expires'
>;

/** The password, or the first line of its file; empty when there is none. Throws a `UsageError`. */
export function readPassword(settings: AccountSettings): string {
  const { password, 'password-file': file } = settings;
  if (password !== undefined && (file === undefined || compareSources(password.source, file.source) > 0)) {
    return password.value;
  }
  if (file === undefined) return '';
  const name = nameOf('password-file', file.source);
  if (password !== undefined && compareSources(password.source, file.source) === 0) {
    throw new UsageError(`${name} and ${nameOf('password', password.source)} are both given: one is enough.`);
  }
  try {
    const [line = ''] = readFileSync(file.value, 'utf8').split(/\r?\n/, 1);
    if (line !== '') return line;
  } catch (error) {
    throw new UsageError(`${name} ${JSON.stringify(file.value)}: ${describeFileError(error)}.`);
  }
  throw new UsageError(`${name}: the first line of ${file.value} is empty, expected the password.`);
}

/** Either of a value in the server's URI and one of its own flag: the stronger source wins, a tie is a question. */
function either<T>(
  inUri: T | undefined,
  server: Source,
  own: Setting<'port' | 'transport'> | undefined,
  name: 'port' | 'transport',
): T | undefined {
  if (own === undefined) return inUri;
  if (inUri === undefined) return own.value as T;
  const order = compareSources(own.source, server);
  if (order === 0 && own.value !== inUri) {
    throw new UsageError(
      `${nameOf('server', server)} says ${name} ${inUri} and ${nameOf(name, own.source)} says ${own.value}: leave one out.`,
    );
  }
  return order > 0 ? (own.value as T) : inUri;
}

/** Builds it. `domain` may stand in the user (`100@lab.local`). Throws a `UsageError` for what does not fit. */
export function buildAccount(settings: AccountSettings, otherTransport: Transport): Account {
  const { user, server } = settings;
  if (user === undefined || server === undefined) throw new Error('an account needs a user and a server');
  const inUser = user.value.domain;
  const { domain } = settings;
  if (inUser !== undefined && domain !== undefined && withoutBrackets(inUser) !== domain.value) {
    if (compareSources(user.source, domain.source) === 0) {
      throw new UsageError(
        `${nameOf('user', user.source)} says ${inUser} and ${nameOf('domain', domain.source)} says ${domain.value}: leave one out.`,
      );
    }
  }
  const domainWins =
    domain !== undefined && (inUser === undefined || compareSources(domain.source, user.source) > 0);
  const host = domainWins ? domain.value : withoutBrackets(inUser ?? server.value.host);
  const at = formatHost(host);
  const transport = either(server.value.transport, server.source, settings.transport, 'transport');
  const port = either(server.value.port, server.source, settings.port, 'port');
  // §26.2.2: what is registered by sips: is reached by it, so the address itself has that scheme.
  const scheme = server.value.secure === true && transport === 'tls' ? 'sips' : 'sip';
  return {
    addressOfRecord: `${scheme}:${user.value.name}@${at}`,
    user: user.value.name,
    domain: at,
    authUser: settings['auth-user']?.value ?? user.value.name,
    password: readPassword(settings),
    server: {
      ...hopOf(
        {
          host: server.value.host,
          ...(port === undefined ? undefined : { port }),
          ...(transport === undefined ? undefined : { transport }),
        },
        otherTransport,
      ),
      ...(transport === 'tls' ? servedAt(server.value.host, host) : undefined),
    },
    expiresS: settings.expires?.value ?? 3600,
  };
}

/** RFC 5922 §7.3: an address only says where the domain is served; the certificate shows the domain. */
export function servedAt(server: string, domain: string): { readonly domain?: string } {
  return isIP(server) !== 0 && isIP(domain) === 0 ? { domain } : {};
}
