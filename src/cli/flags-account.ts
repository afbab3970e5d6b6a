/** The flags of an account: who registers where, and how. Part of the table in flags.ts. */
import type { Transport } from '../sip/flow.ts';
import { algorithms, number, path, reads, server, text, user } from './flag-values.ts';
import { isHost, readPort, readTransport, withoutBrackets } from './server-address.ts';

/** See `Flag` in flags.ts. */
export const ACCOUNT_FLAGS = {
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
} as const;
