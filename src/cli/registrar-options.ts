/**
 * What `ringback registrar` is told: its domain and its users. `--user` means another thing here than elsewhere,
 * a user with the password and as many as there are, so it is read here.
 */
import type { DigestAlgorithm } from '../auth/digest.ts';
import type { RegistrarUser } from '../sip/endpoint-config.ts';
import { readPassword } from './account.ts';
import type { ConfigAccount } from './config-file.ts';
import type { FlagName } from './flags.ts';
import { type Options, readSettings, type Surroundings, withDefaults } from './options.ts';
import { type GivenValues, mergeSettings, readSetting } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** Read and checked. */
export interface RegistrarOptions {
  readonly options: Options;
  /** Absent: our address. */
  readonly domain?: string;
  /** One at least, each name once. */
  readonly users: readonly RegistrarUser[];
  readonly algorithms: readonly DigestAlgorithm[];
}

/** Where phones look when nobody tells them a port (RFC 3261 §19.1.2). */
const SIP_PORT = 5060;

const OPEN_SECRET =
  'A password on the command line can be read by everybody on this machine; [[account]] tables in a --config file keep it to you.';

/** Throws a `UsageError`. */
export function readRegistrarOptions(flags: GivenValues, surroundings: Surroundings): RegistrarOptions {
  const without = (name: FlagName) => name !== 'user';
  const rest = new Map([...flags].filter(([name]) => without(name)));
  const takes = surroundings.takes.filter(without);
  const { settings, tables } = readSettings(rest, { ...surroundings, takes });
  const given = flags.get('user')?.text.split('\n') ?? [];
  const users = [...given.map(readUser), ...tables.map(tableUser)];
  if (users.length === 0) {
    throw new UsageError(
      'A registrar needs users: --user 100:secret, once for each, or [[account]] tables in a --config file.',
    );
  }
  const seen = new Set<string>();
  for (const { user } of users) {
    if (seen.has(user)) throw new UsageError(`The user ${user} is given twice.`);
    seen.add(user);
  }
  const options = withDefaults({ ...settings }, []);
  return {
    options: {
      ...options,
      sipPort: settings['sip-port']?.value ?? SIP_PORT,
      warnings: given.length > 0 ? [OPEN_SECRET] : [],
    },
    ...(settings.domain === undefined ? {} : { domain: settings.domain.value }),
    users,
    algorithms: settings.algorithm?.value ?? ['MD5'],
  };
}

/** `100:secret`. What is wrong is not shown: it may hold the password. */
function readUser(text: string): RegistrarUser {
  const colon = text.indexOf(':');
  const [name, password] = [text.slice(0, colon), text.slice(colon + 1)];
  if (colon < 1 || password === '') {
    throw new UsageError('--user: expected a name and a password here, like 100:secret.');
  }
  const { domain, name: user } = readSetting('user', { text: name, source: { kind: 'flag' } }).value;
  if (domain !== undefined) {
    throw new UsageError(
      `--user ${user}: expected a name alone before the colon; --domain is for all users.`,
    );
  }
  readSetting('password', { text: password, source: { kind: 'flag' } });
  return { user, password };
}

function tableUser({ given, file, line }: ConfigAccount): RegistrarUser {
  const settings = mergeSettings([given]);
  const user = settings.user?.value.name;
  if (user === undefined) throw new UsageError(`${file} line ${line}: this [[account]] has no user.`);
  const password = readPassword(settings);
  if (password === '') throw new UsageError(`${file} line ${line}: this [[account]] has no password.`);
  return { user, password };
}
