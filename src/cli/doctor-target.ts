/**
 * Whom `ringback doctor` looks at: a server as a word or a flag, the server of the account, or nobody, and then this
 * machine alone.
 */
import type { Account } from '../sip/endpoint-config.ts';
import { defaultPort, formatHost, type NextHop } from '../sip/flow.ts';
import { hopOf } from '../sip/next-hop.ts';
import { buildAccount, servedAt } from './account.ts';
import type { Invocation } from './invocation.ts';
import { behind, type Options, readOptions, readSettings, withDefaults } from './options.ts';
import { withoutBrackets } from './server-address.ts';
import type { GivenValues, Settings } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** What is to be looked at. */
export interface Target {
  readonly hop: NextHop;
  /** For a person: `pbx.example.org`. */
  readonly name: string;
  /** Whose credentials are tried; absent: nobody's. */
  readonly account?: Account;
}

/** Reads it. Throws a `UsageError`. */
export function readTarget(invocation: Invocation): { readonly options: Options; readonly target?: Target } {
  const [word, ...more] = invocation.rest;
  if (more.length > 0)
    throw new UsageError(`ringback doctor looks at one server; "${more[0]}" is one too many.`);
  if (word !== undefined && invocation.flags.has('server'))
    throw new UsageError(`--server is given, and ${word} as well: one is enough.`);
  const flags: GivenValues =
    word === undefined
      ? invocation.flags
      : new Map([...invocation.flags, ['server', { text: word, source: { kind: 'flag' } }]]);
  const { settings, tables } = readSettings(flags, invocation);
  // A server of the configuration file is that of its accounts.
  const named = settings.server !== undefined && settings.server.source.kind !== 'config-file';
  const anonymous = settings.user === undefined && (named || tables.length === 0);
  const options = anonymous ? optionsOfNobody(settings) : readOptions(flags, invocation, 'udp');
  const account = anonymous ? nobodyAt(settings) : options.accounts[0];
  const hop = firstHop(options, account);
  if (hop === undefined) return { options };
  const known = anonymous || account === undefined ? {} : { account };
  return { options, target: { hop, name: nameOf(hop), ...known } };
}

/** Where the first request goes: the proxy, else the account's server, as TLS would have it for the comparison. */
function firstHop({ proxy }: Options, account: Account | undefined): NextHop | undefined {
  if (proxy !== undefined) return account?.proxy ?? hopOf(proxy, 'udp');
  if (account === undefined) return undefined;
  return { ...account.server, ...servedAt(account.server.host, withoutBrackets(account.domain)) };
}

function nameOf({ host, port, open, transport }: NextHop): string {
  return open !== undefined || port === defaultPort(transport) ? host : `${formatHost(host)}:${port}`;
}

/** Without a password: one in the environment is another command's here. */
function optionsOfNobody(settings: Settings): Options {
  return withDefaults(withoutPassword(settings), []);
}

/** The server as an account of nobody would have it, so that it is read by the same rules; undefined without one. */
function nobodyAt(settings: Settings): Account | undefined {
  if (settings.server === undefined) return undefined;
  const bare = withoutPassword(settings);
  return behind(bare, buildAccount({ ...bare, user: NOBODY }, 'udp'));
}

const NOBODY = { value: { name: 'anonymous' }, source: { kind: 'flag' } } as const;

function withoutPassword({
  password: _password,
  'password-file': _file,
  'auth-user': _user,
  ...rest
}: Settings): Settings {
  return rest;
}
