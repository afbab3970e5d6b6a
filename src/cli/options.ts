/**
 * What a command is to do, out of flags, environment, `.env` and the configuration file, in that order of strength,
 * and checked as a whole. After this nobody asks again whether a value is right.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Account } from '../sip/endpoint-config.ts';
import type { Transport } from '../sip/flow.ts';
import type { KeepaliveKind } from '../sip/keepalive-kind.ts';
import { DEFAULT_KEEPALIVE_S, DEFAULT_MAX_CALLS } from '../sip/limits.ts';
import { proxyBefore, type ServerAddress } from '../sip/next-hop.ts';
import { buildAccount } from './account.ts';
import { type ConfigAccount, readConfigFile } from './config-file.ts';
import { readEnvFile, readEnvFiles, readEnvironment } from './dotenv.ts';
import type { FlagName } from './flags.ts';
import type { HostAndPort } from './server-address.ts';
import { type GivenValues, mergeSettings, nameOf, readSetting, type Settings } from './settings.ts';
import { type TlsOptions, tlsOptions } from './tls.ts';
import { UsageError } from './usage-error.ts';

/** Quiet, normal, `-v`, `-vv`. */
export type Verbosity = -1 | 0 | 1 | 2;

/** Everything about a run, checked, with the defaults in their places. */
export interface Options {
  readonly accounts: readonly Account[];
  readonly proxy?: ServerAddress;
  readonly bind?: string;
  /** 0: any. */
  readonly sipPort: number;
  readonly rtpPorts: readonly [number, number];
  /** The DNS server to ask; the machine's own when absent. */
  readonly dns?: string;
  readonly advertiseIp?: string;
  readonly advertiseMediaIp?: string;
  /** Who is asked for the public address. */
  readonly stun?: HostAndPort;
  /** 0: no keepalives. */
  readonly keepaliveMs: number;
  readonly keepaliveBy?: KeepaliveKind;
  /** RFC 5626, where the registrar can. */
  readonly outbound: boolean;
  readonly maxCalls: number;
  readonly ringDelayMs: number;
  readonly answerDelayMs: number;
  readonly mediaTimeoutMs: number;
  readonly maxCallMs: number;
  readonly sampleIntervalMs: number;
  /** Reliable provisional responses to whoever can take them (RFC 3262). */
  readonly prack: boolean;
  /** Requests in a dialog go to the Contact although it cannot be reached from here. */
  readonly contactAsSent: boolean;
  /** Send a MESSAGE back. */
  readonly echoMessages: boolean;
  readonly mediaThreads: number;
  readonly seed: readonly [number, number, number, number];
  /** It was given, and not drawn. */
  readonly seeded: boolean;
  /** `screen` is for a command to choose, on a terminal. */
  readonly output: 'json' | 'plain' | 'screen';
  readonly verbosity: Verbosity;
  /** Put messages into the events. */
  readonly rawMessages: boolean;
  readonly tls: TlsOptions;
  /** Where the session is written down for a replay (io/trace.ts). */
  readonly trace?: string;
  /** Where it is told at its end (report/transcript.ts). */
  readonly transcript?: string;
  /** Sentences for stderr, each said once. */
  readonly warnings: readonly string[];
}

/** Where options come from, apart from the command line. */
export interface Surroundings {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The working directory. */
  readonly folder: string;
  /** The flags of the command. A variable for another flag is none of its business, right or wrong. */
  readonly takes: readonly FlagName[];
}

/** Four words from a text, or from chance. The same text gives the same words on every machine. */
export function seedWords(seed: string | undefined): [number, number, number, number] {
  const bytes = seed === undefined ? randomBytes(16) : createHash('sha256').update(seed).digest();
  return [bytes.readUInt32BE(0), bytes.readUInt32BE(4), bytes.readUInt32BE(8), bytes.readUInt32BE(12)];
}

/**
 * What an [[account]] does not say is taken from the settings outside of it: the server (with its port and domain),
 * the transport, the expiry. Who it is (user, password) is its own; a password that stands in the environment, for
 * nobody in particular, is for those that have none.
 */
function configAccount(account: ConfigAccount, shared: Settings, transport: Transport): Account {
  const own = mergeSettings([account.given]);
  const at = `${account.file} line ${account.line}`;
  if (own.user === undefined) throw new UsageError(`${at}: this [[account]] has no user.`);
  const withServer: Settings = own.server === undefined ? pick(shared, ['server', 'port', 'domain']) : {};
  const secret = own.password === undefined && own['password-file'] === undefined;
  const withPassword = secret && isNobodys(shared, 'password') ? pick(shared, ['password']) : {};
  const merged: Settings = {
    ...pick(shared, ['transport', 'expires']),
    ...withServer,
    ...withPassword,
    ...own,
  };
  if (merged.server === undefined) throw new UsageError(`${at}: this [[account]] has no server.`);
  return behind({ ...pick(shared, ['proxy']), ...merged }, buildAccount(merged, transport));
}

function pick(settings: Settings, names: readonly FlagName[]): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => names.some((one) => one === name)));
}

const NEEDS_USER = ['password', 'password-file', 'auth-user'] as const;

/** It is in the environment or `.env`, and no --user beside it. */
function isNobodys({ user, ...settings }: Settings, name: 'password'): boolean {
  const kind = settings[name]?.source.kind;
  return user === undefined && (kind === 'environment' || kind === 'env-file');
}

/** An account behind the proxy of all, when there is one. */
export function behind(settings: Settings, account: Account): Account {
  const proxy = proxyOf(settings);
  return proxy === undefined ? account : { ...account, proxy: proxyBefore(account.server, proxy) };
}

function readAccounts(settings: Settings, tables: readonly ConfigAccount[], transport: Transport): Account[] {
  const accounts: Account[] = [];
  const { user, server } = settings;
  if (user === undefined) {
    for (const name of NEEDS_USER) {
      const setting = settings[name];
      if (setting === undefined) continue;
      if (name === 'password' && tables.length > 0 && isNobodys(settings, name)) continue;
      throw new UsageError(`${nameOf(name, setting.source)} is given without --user: whose is it?`);
    }
    if (server !== undefined && tables.length === 0) {
      throw new UsageError(
        `${nameOf('server', server.source)} is given without --user: who registers there?`,
      );
    }
  } else if (server === undefined) {
    throw new UsageError(
      `${nameOf('user', user.source)} is given without --server: where to register? (Leave both out to register nowhere.)`,
    );
  } else {
    accounts.push(behind(settings, buildAccount(settings, transport)));
  }
  for (const table of tables) accounts.push(configAccount(table, settings, transport));
  const seen = new Set<string>();
  for (const { addressOfRecord } of accounts) {
    if (seen.has(addressOfRecord)) throw new UsageError(`${addressOfRecord} is configured twice.`);
    seen.add(addressOfRecord);
  }
  return accounts;
}

function checkTogether(settings: Settings): void {
  if (settings.json?.value === true && settings.plain?.value === true) {
    throw new UsageError('--json and --plain are both given: one stream is either.');
  }
  if (settings.quiet?.value === true && settings.verbose !== undefined) {
    throw new UsageError('-q and -v are both given: less or more?');
  }
  const ports = settings['rtp-ports'];
  const calls = settings['max-calls'];
  if (calls === undefined) return;
  const [first, last] = ports?.value ?? DEFAULT_RTP_PORTS;
  const pairs = Math.floor((last + 1 - (first + (first % 2))) / 2);
  if (calls.value > pairs) {
    throw new UsageError(
      `${nameOf('max-calls', calls.source)} ${calls.value}: ${first}-${last} has ports for ${pairs} calls, widen --rtp-ports.`,
    );
  }
}

const DEFAULT_RTP_PORTS = [10_000, 20_000] as const;

function verbosityOf(settings: Settings): Verbosity {
  return settings.quiet?.value === true ? -1 : (settings.verbose?.value ?? 0);
}

function onlyTaken(values: GivenValues, takes: readonly FlagName[]): GivenValues {
  return new Map([...values].filter(([name]) => takes.includes(name)));
}

/** Reads and checks everything. `transport` is the command's default. Throws a `UsageError`. */
export function readOptions(flags: GivenValues, surroundings: Surroundings, transport: Transport): Options {
  const { settings, tables } = readSettings(flags, surroundings);
  return withDefaults(settings, readAccounts(settings, tables, transport));
}

/** What all sources together set, and the `[[account]]` tables beside it, which are for the command to read. */
export function readSettings(
  flags: GivenValues,
  surroundings: Surroundings,
): { readonly settings: Settings; readonly tables: readonly ConfigAccount[] } {
  const { takes } = surroundings;
  const fileGiven = flags.get('env-file');
  const envFiles =
    fileGiven === undefined
      ? takes.includes('env-file')
        ? readEnvFiles(surroundings.folder)
        : []
      : [readEnvFile(readSetting('env-file', fileGiven).value)];
  const configGiven = flags.get('config');
  const config =
    configGiven === undefined ? undefined : readConfigFile(readSetting('config', configGiven).value);
  const around = [readEnvironment(surroundings.variables), ...envFiles];
  const sources = [flags, ...around.map((values) => onlyTaken(values, takes))];
  const settings = mergeSettings(config === undefined ? sources : [...sources, config.settings]);
  checkTogether(settings);
  return { settings, tables: config?.accounts ?? [] };
}

/** A proxy that says no transport is reached over that of --transport: it is the first hop that was meant. */
function proxyOf({ proxy, transport }: Settings): ServerAddress | undefined {
  if (proxy === undefined || proxy.value.transport !== undefined || transport === undefined) {
    return proxy?.value;
  }
  return { ...proxy.value, transport: transport.value };
}

/** The options of a run, out of its settings and accounts. */
export function withDefaults(settings: Settings, accounts: readonly Account[]): Options {
  const { bind, dns, stun, password, trace, transcript } = settings;
  const proxy = proxyOf(settings);
  const advertise = settings['advertise-ip'];
  const advertiseMedia = settings['advertise-media-ip'];
  const keepaliveBy = settings['keepalive-by'];
  const verbosity = verbosityOf(settings);
  const milliseconds = (setting: { readonly value: number } | undefined, otherwise: number) =>
    Math.round((setting?.value ?? otherwise) * 1000);
  return {
    accounts,
    ...(proxy === undefined ? {} : { proxy }),
    ...(bind === undefined ? {} : { bind: bind.value }),
    ...(dns === undefined ? {} : { dns: dns.value }),
    ...(advertise === undefined ? {} : { advertiseIp: advertise.value }),
    ...(advertiseMedia === undefined ? {} : { advertiseMediaIp: advertiseMedia.value }),
    ...(stun === undefined ? {} : { stun: stun.value }),
    contactAsSent: settings['contact-as-sent']?.value === true,
    keepaliveMs: milliseconds(settings.keepalive, DEFAULT_KEEPALIVE_S),
    ...(keepaliveBy === undefined ? {} : { keepaliveBy: keepaliveBy.value }),
    outbound: settings.outbound?.value ?? true,
    sipPort: settings['sip-port']?.value ?? 0,
    tls: tlsOptions(settings),
    rtpPorts: settings['rtp-ports']?.value ?? DEFAULT_RTP_PORTS,
    maxCalls: settings['max-calls']?.value ?? DEFAULT_MAX_CALLS,
    ringDelayMs: milliseconds(settings['ring-delay'], 0),
    answerDelayMs: milliseconds(settings['answer-delay'], 0),
    mediaTimeoutMs: milliseconds(settings['media-timeout'], 60),
    maxCallMs: milliseconds(settings['max-duration'], 43_200),
    sampleIntervalMs: milliseconds(settings['sample-interval'], 0.5),
    prack: settings.prack?.value === true,
    echoMessages: settings['echo-messages']?.value === true,
    mediaThreads: settings['media-threads']?.value ?? 1,
    seed: seedWords(settings.seed?.value),
    seeded: settings.seed !== undefined,
    output: settings.json?.value === true ? 'json' : 'plain',
    verbosity,
    rawMessages: settings.raw?.value === true || verbosity === 2,
    ...(trace === undefined ? {} : { trace: trace.value }),
    ...(transcript === undefined ? {} : { transcript: transcript.value }),
    warnings:
      password?.source.kind === 'flag'
        ? [
            'A password on the command line can be read by everybody on this machine; SIP_PASSWORD or --password-file keep it to you.',
          ]
        : [],
  };
}
