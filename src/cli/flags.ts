/**
 * Every flag, written once: its name, its variable, its default, its line of help and what it takes. The arguments,
 * the help page, the environment, `.env` and the configuration file are all read by this table, because a flag
 * described twice is soon described wrongly.
 *
 * Every source gives text, and a schema reads text; so a port is checked by one rule wherever it was written.
 */
import type { z } from 'zod';
import type { Transport } from '../sip/flow.ts';
import { DEFAULT_MAX_CALLS } from '../sip/limits.ts';
import {
  address,
  advertised,
  algorithms,
  number,
  path,
  reads,
  rtpPorts,
  seconds,
  server,
  stunServer,
  text,
  toggle,
  user,
} from './flag-values.ts';
import { KEEPALIVE_FLAGS } from './flags-keepalive.ts';
import { LAB_FLAGS } from './flags-lab.ts';
import { PING_FLAGS } from './flags-ping.ts';
import { TLS_FLAGS } from './flags-tls.ts';
import { isHost, readDnsServer, readPort, readTransport, withoutBrackets } from './server-address.ts';

/** One flag. */
export interface Flag {
  readonly group: 'account' | 'call' | 'agent' | 'ping' | 'network' | 'calls' | 'output' | 'configuration';
  /** What stands after it in the help; absent for a switch. */
  readonly value?: string;
  readonly help: string;
  /** Environment and `.env`. */
  readonly variable?: string;
  readonly short?: string;
  /** Its default in words, for the help. */
  readonly otherwise?: string;
  /** Never shown, not even when it is wrong. */
  readonly secret?: true;
  /** May be set in the configuration file. */
  readonly inFile: boolean;
  readonly schema: z.ZodType<unknown, string>;
}

/** The table, in the order of the help page. */
export const FLAGS = {
  user: {
    group: 'account',
    value: 'USER',
    variable: 'SIP_USER',
    help: 'who to register as: 100, or 100@example.org',
    inFile: true,
    schema: user,
  },
  password: {
    group: 'account',
    value: 'SECRET',
    variable: 'SIP_PASSWORD',
    help: 'better given by the variable or a file: others on this machine can read a command line',
    secret: true,
    inFile: true,
    schema: text('a password on one line, not empty', /^[^\r\n\0]{1,1024}$/),
  },
  'password-file': {
    group: 'account',
    value: 'FILE',
    help: 'the password is the first line of this file',
    inFile: true,
    schema: path,
  },
  'auth-user': {
    group: 'account',
    value: 'NAME',
    help: 'user name for authentication, when the provider gave another',
    otherwise: 'the user',
    inFile: true,
    schema: text('a name of 1 to 255 printable characters', /^[^\p{Cc}]{1,255}$/u),
  },
  server: {
    group: 'account',
    value: 'HOST',
    variable: 'SIP_SERVER',
    help: 'where to register: a host, host:port or a sip: URI; without it nothing is registered',
    inFile: true,
    schema: server,
  },
  port: {
    group: 'account',
    value: 'PORT',
    variable: 'SIP_PORT',
    help: 'port of the server',
    otherwise: '5060, over TLS 5061',
    inFile: true,
    schema: reads('a port from 1 to 65535', readPort),
  },
  domain: {
    group: 'account',
    value: 'DOMAIN',
    variable: 'SIP_DOMAIN',
    help: 'the part after the @ of the address',
    otherwise: 'the server',
    inFile: true,
    schema: reads('a domain name or an IP address', (given) => {
      const bare = withoutBrackets(given);
      return isHost(bare) ? bare : undefined;
    }),
  },
  transport: {
    group: 'account',
    value: 'udp|tcp|tls',
    variable: 'SIP_TRANSPORT',
    help: 'how the server is reached',
    otherwise: 'tcp',
    inFile: true,
    schema: reads('udp, tcp or tls', (given): Transport | undefined => readTransport(given)),
  },
  proxy: {
    group: 'account',
    value: 'HOST',
    help: 'requests go through this proxy first, over --transport: a host, host:port or a sip: URI, which may say another',
    inFile: true,
    schema: server,
  },
  expires: {
    group: 'account',
    value: 'SECONDS',
    help: 'how long a registration is to hold',
    otherwise: '3600',
    inFile: true,
    schema: number('a whole number of seconds', 1, 604_800, true),
  },
  algorithm: {
    group: 'account',
    value: 'MD5|SHA-256|both',
    help: 'the digest that is asked for; SIPp, sipsak and older phones fail where SHA-256 stands',
    otherwise: 'MD5',
    inFile: true,
    schema: algorithms,
  },
  bind: {
    group: 'network',
    value: 'ADDRESS',
    help: 'listen on this address of this machine alone',
    otherwise: 'all',
    inFile: true,
    schema: address('an IP address of this machine'),
  },
  'sip-port': {
    group: 'network',
    value: 'PORT',
    help: 'SIP port to listen on, UDP and TCP; 0 is any free one',
    otherwise: '0',
    inFile: true,
    schema: reads('a port from 0 to 65535', (given) => (given === '0' ? 0 : readPort(given))),
  },
  'rtp-ports': {
    group: 'network',
    value: 'FIRST-LAST',
    help: 'ports for audio',
    otherwise: '10000-20000',
    inFile: true,
    schema: rtpPorts,
  },
  dns: {
    group: 'network',
    value: 'ADDRESS[:PORT]',
    help: 'ask this DNS server for NAPTR, SRV and addresses',
    otherwise: "the machine's own",
    inFile: true,
    schema: reads('the IP address of a DNS server, with or without a port', readDnsServer),
  },
  'advertise-ip': {
    group: 'network',
    value: 'ADDRESS',
    variable: 'SIP_ADVERTISE_IP',
    help: 'the address that others see, when a NAT stands between (Contact, Via and SDP)',
    inFile: true,
    schema: advertised,
  },
  'advertise-media-ip': {
    group: 'network',
    value: 'ADDRESS',
    help: 'another address for SDP',
    otherwise: '--advertise-ip',
    inFile: true,
    schema: advertised,
  },
  'contact-as-sent': {
    group: 'network',
    help: 'requests in a call go to the Contact of the other side, also when it is private and cannot be reached',
    otherwise: 'they go where its messages come from then',
    inFile: true,
    schema: toggle,
  },
  ...KEEPALIVE_FLAGS,
  stun: {
    group: 'network',
    value: 'HOST[:PORT]',
    variable: 'SIP_STUN',
    help: 'ask this STUN server how a NAT shows us, for Contact and, port by port, for SDP',
    inFile: true,
    schema: stunServer,
  },
  ...TLS_FLAGS,
  ...LAB_FLAGS,
  ...PING_FLAGS,
  'max-calls': {
    group: 'calls',
    value: 'N',
    help: 'calls at once; one more is told 486 Busy Here',
    otherwise: String(DEFAULT_MAX_CALLS),
    inFile: true,
    schema: number('a whole number', 1, 32_000, true),
  },
  'ring-delay': {
    group: 'calls',
    value: 'SECONDS',
    help: 'wait before ringing (180)',
    otherwise: '0',
    inFile: true,
    schema: seconds(0, 120),
  },
  'answer-delay': {
    group: 'calls',
    value: 'SECONDS',
    help: 'ring for so long before answering (200)',
    otherwise: '0',
    inFile: true,
    schema: seconds(0, 120),
  },
  prack: {
    group: 'calls',
    help: 'make sure that 180 arrives, with callers that can (100rel); with those that demand it always',
    inFile: true,
    schema: toggle,
  },
  'echo-messages': {
    group: 'calls',
    help: 'send the text of a MESSAGE back to its sender',
    inFile: true,
    schema: toggle,
  },
  'media-timeout': {
    group: 'calls',
    value: 'SECONDS',
    help: 'end a call that is not on hold and sends no audio for so long; 0 is never',
    otherwise: '60',
    inFile: true,
    schema: seconds(0, 86_400),
  },
  'max-duration': {
    group: 'calls',
    value: 'SECONDS',
    help: 'end any call that lasts so long, also one on hold; 0 is never',
    otherwise: '43200',
    inFile: true,
    schema: seconds(0, 31_536_000),
  },
  'sample-interval': {
    group: 'calls',
    value: 'SECONDS',
    help: 'between two measurements of the audio',
    otherwise: '0.5',
    inFile: true,
    schema: seconds(0.1, 60),
  },
  'media-threads': {
    group: 'calls',
    value: 'N',
    help: 'threads that carry audio; one is enough for about a thousand calls',
    otherwise: '1',
    inFile: true,
    schema: number('a whole number', 1, 16, true),
  },
  json: {
    group: 'output',
    help: 'one event a line on stdout (see: ringback schema)',
    inFile: false,
    schema: toggle,
  },
  plain: {
    group: 'output',
    help: 'readable lines on stdout, the default',
    inFile: false,
    schema: toggle,
  },
  raw: {
    group: 'output',
    help: 'put the SIP messages into the events, credentials masked',
    inFile: true,
    schema: toggle,
  },
  seed: {
    group: 'output',
    value: 'TEXT',
    help: 'make every identifier, and so the run, repeatable (not for the open internet)',
    inFile: false,
    schema: text('1 to 200 characters', /^.{1,200}$/su),
  },
  trace: {
    group: 'output',
    value: 'FILE',
    help: 'write down all that goes in and out, for ringback replay; no password is in it',
    inFile: true,
    schema: path,
  },
  transcript: {
    group: 'output',
    value: 'FILE',
    help: 'at the end, tell the session in FILE.md (diagram, transactions, SDP) or FILE.txt (a ladder)',
    inFile: true,
    schema: path,
  },
  verbose: {
    group: 'output',
    short: 'v',
    help: 'more: transactions, timers, sizes, measurements; twice: the messages',
    inFile: false,
    schema: reads('-v or -vv', (given) =>
      given === '0' || given === '1' || given === '2' ? (Number(given) as 0 | 1 | 2) : undefined,
    ),
  },
  quiet: { group: 'output', short: 'q', help: 'warnings alone', inFile: false, schema: toggle },
  config: {
    group: 'configuration',
    value: 'FILE',
    help: 'settings by flag name, and several [[account]] tables, in TOML',
    inFile: false,
    schema: path,
  },
  'env-file': {
    group: 'configuration',
    value: 'FILE',
    help: 'read variables here',
    otherwise: '.env here, then in the folder above',
    inFile: false,
    schema: path,
  },
  help: { group: 'output', short: 'h', help: 'this page', inFile: false, schema: toggle },
  version: { group: 'output', help: 'the version', inFile: false, schema: toggle },
} as const satisfies Record<string, Flag>;

/** The name of a flag, without its hyphens. */
export type FlagName = keyof typeof FLAGS;
/** What a flag means once it was read. */
export type FlagValue<N extends FlagName> = z.output<(typeof FLAGS)[N]['schema']>;

/** All names, in the order of the help page. */
export const FLAG_NAMES = Object.keys(FLAGS) as readonly FlagName[];

/** The row of the table, by its general type. */
export function flag(name: FlagName): Flag {
  return FLAGS[name];
}

/** Whether that is a flag of ours. */
export function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}
