import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArguments } from './arguments.ts';
import { FLAG_NAMES } from './flags.ts';
import { readOptions, seedWords } from './options.ts';
import { UsageError } from './usage-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringback-options-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const empty = join(folder, 'up', 'empty');
mkdirSync(empty, { recursive: true });

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Options of a command line, given as words with spaces between them. */
function read(line: string, variables: Record<string, string> = {}, at = empty, takes = FLAG_NAMES) {
  const { flags } = parseArguments(line.split(' ').filter((word) => word !== ''));
  return readOptions(flags, { variables, folder: at, takes }, 'tcp');
}

/** The sentence that a wrong command line gets. */
function complaint(line: string, variables: Record<string, string> = {}): string {
  try {
    read(line, variables);
  } catch (error) {
    if (error instanceof UsageError && error.exitCode === 2) return error.message;
    throw error;
  }
  throw new Error(`${line} was accepted`);
}

test('nothing given: no account, the defaults of the help page', () => {
  const { seed, ...rest } = read('');
  expect(seed).toHaveLength(4);
  expect(rest).toEqual({
    accounts: [],
    keepaliveMs: 29_000,
    outbound: true,
    seeded: false,
    sipPort: 0,
    tls: { insecure: false },
    rtpPorts: [10_000, 20_000],
    maxCalls: 1000,
    ringDelayMs: 0,
    answerDelayMs: 0,
    mediaTimeoutMs: 60_000,
    maxCallMs: 43_200_000,
    sampleIntervalMs: 500,
    prack: false,
    contactAsSent: false,
    echoMessages: false,
    mediaThreads: 1,
    output: 'plain',
    verbosity: 0,
    rawMessages: false,
    warnings: [],
  });
});

test('an account: the domain is the server and the transport is TCP, unless said otherwise', () => {
  expect(read('--user 0100 --server pbx.example.org', { SIP_PASSWORD: 'x y' }).accounts).toEqual([
    {
      addressOfRecord: 'sip:0100@pbx.example.org',
      user: '0100',
      domain: 'pbx.example.org',
      authUser: '0100',
      password: 'x y',
      server: { host: 'pbx.example.org', port: 5060, transport: 'tcp', open: 'transport' },
      expiresS: 3600,
    },
  ]);
  const [account] = read(
    '--user sip:100@lab.local --auth-user a1 --server [::1]:5080 --transport UDP --expires 60',
  ).accounts;
  expect(account).toMatchObject({
    addressOfRecord: 'sip:100@lab.local',
    domain: 'lab.local',
    authUser: 'a1',
    expiresS: 60,
  });
  expect(account?.server).toEqual({ host: '::1', port: 5080, transport: 'udp', explicit: true });
  expect(read('--user 100 --server ::1').accounts[0]?.addressOfRecord).toBe('sip:100@[::1]');
  expect(read('--user 100 --server 192.0.2.1 --domain lab.local').accounts[0]?.domain).toBe('lab.local');
});

test('a server without a port leaves it to DNS, and the transport too when that is not said (RFC 3263 §4)', () => {
  const open = (line: string) => read(`--user 1 ${line}`).accounts[0]?.server.open;
  expect(open('--server pbx.example')).toBe('transport');
  expect(open('--server pbx.example --transport tcp')).toBe('port');
  expect(open('--server sip:pbx.example;transport=udp')).toBe('port');
  for (const closed of [
    '--server pbx.example:5060',
    '--server pbx.example --port 5060',
    '--server 192.0.2.1',
  ]) {
    expect(open(closed)).toBeUndefined();
  }
});

test('a URI in --server says the port and the transport', () => {
  const line = '--user 1 --server sip:pbx:5070;transport=udp';
  expect(read(line).accounts[0]?.server).toEqual({
    host: 'pbx',
    port: 5070,
    transport: 'udp',
    explicit: true,
  });
  expect(read(`${line} --port 5070`).accounts[0]?.server.port).toBe(5070);
  expect(complaint(`${line} --port 5071`)).toContain('--server says port 5070 and --port says 5071');
  expect(complaint(`${line} --transport tcp`)).toContain('leave one out');
  // A stronger source wins without a question.
  expect(read(line, { SIP_PORT: '9', SIP_TRANSPORT: 'tcp' }).accounts[0]?.server).toEqual({
    host: 'pbx',
    port: 5070,
    transport: 'udp',
    explicit: true,
  });
  expect(read('--user 1 --port 9', { SIP_SERVER: 'pbx:5070' }).accounts[0]?.server.port).toBe(9);
});

test('a flag wins over the environment, that over .env here, that over .env above, that over the file', () => {
  const up = join(folder, 'precedence');
  const here = join(up, 'here');
  mkdirSync(here, { recursive: true });
  const all = 'SIP_SERVER=S\nSIP_USER=S\nSIP_DOMAIN=S\nSIP_PORT=4\nSIP_ADVERTISE_IP=192.0.2.4';
  writeFileSync(join(up, '.env'), all.replaceAll('=S', '=above'));
  writeFileSync(join(here, '.env'), 'SIP_SERVER=here\nSIP_USER=here\nSIP_DOMAIN=here');
  const config = file(
    'precedence.toml',
    'port = 5\nadvertise-ip = "192.0.2.5"\nserver = "file"\nmax-calls = 7\nuser = "file"\n',
  );
  const options = read(`--config ${config} --server flag`, { SIP_SERVER: 'env', SIP_USER: 'env' }, here);
  expect(options.accounts[0]).toMatchObject({
    user: 'env',
    domain: 'here',
    server: { host: 'flag', port: 4 },
  });
  expect(options.advertiseIp).toBe('192.0.2.4');
  expect(options.maxCalls).toBe(7);
  // --env-file stands in the place of both.
  const other = file('other.env', 'SIP_USER=other\nSIP_SERVER=other.example\n');
  expect(read(`--env-file ${other}`, {}, here).accounts[0]?.addressOfRecord).toBe('sip:other@other.example');
});

test('--stun takes a host, host:port, an address in brackets and a stun: URI (RFC 7064); SIP_STUN and a file too', () => {
  const stun = (line: string, variables = {}) => read(line, variables).stun;
  expect(stun('')).toBeUndefined();
  expect(stun('--stun stun.example.org')).toEqual({ host: 'stun.example.org' });
  expect(stun('--stun stun:192.0.2.9:3479')).toEqual({ host: '192.0.2.9', port: 3_479 });
  expect(stun('--stun [2001:db8::1]:3479')).toEqual({ host: '2001:db8::1', port: 3_479 });
  expect(stun('', { SIP_STUN: 'stun.example.org' })).toEqual({ host: 'stun.example.org' });
  const config = file('stun.toml', 'stun = "stun.example.org:3478"\n');
  expect(stun(`--config ${config}`)).toEqual({ host: 'stun.example.org', port: 3_478 });
});

test('a password of nobody in the environment is that of the accounts without one; their own wins', () => {
  const config = file(
    'passwords.toml',
    'server = "h.example"\n[[account]]\nuser = "100"\npassword = "own"\n[[account]]\nuser = "101"\n',
  );
  const given = { SIP_PASSWORD: 'everybody' };
  const passwords = (line: string) => read(line, given).accounts.map(({ password }) => password);
  expect(passwords(`--config ${config}`)).toEqual(['own', 'everybody']);
  // Beside a user it is that user's.
  expect(passwords(`--config ${config} --user 7 --server h.example`)).toEqual(['everybody', 'own', '']);
  expect(complaint(`--config ${config} --password x`)).toContain('--password is given without --user');
  expect(complaint('', given)).toContain('SIP_PASSWORD is given without --user');
});

test('several accounts come from one file and share what stands outside of them', () => {
  const secret = file('secret', 'from a file\nsecond line\n');
  const config = file(
    'accounts.toml',
    `server = "shared.example:5070"\ntransport = "udp"\n[[account]]\nuser = "100"\npassword-file = "${secret}"\n[[account]]\nuser = "101"\nserver = "own.example"\ntransport = "tcp"\n`,
  );
  const { accounts } = read(`--config ${config} --expires 90`);
  expect(accounts.map((account) => account.addressOfRecord)).toEqual([
    'sip:100@shared.example',
    'sip:101@own.example',
  ]);
  expect(accounts[0]).toMatchObject({
    password: 'from a file',
    expiresS: 90,
    server: { port: 5070, transport: 'udp' },
  });
  expect(accounts[1]).toMatchObject({
    password: '',
    server: { host: 'own.example', port: 5060, transport: 'tcp' },
  });
  expect(read(`--config ${config} --user 102`).accounts).toHaveLength(3);
  expect(complaint(`--config ${config} --user 100`)).toContain('sip:100@shared.example is configured twice');
});

const WRONG: readonly [string, string][] = [
  ['--port 70000 --user 1 --server h', '--port "70000": expected a port from 1 to 65535.'],
  ['--rtp-ports 5-5', 'expected two ports'],
  ['--rtp-ports 10001-10002', 'expected two ports'],
  ['--rtp-ports 20000-10000', 'expected two ports'],
  ['--bind localhost', 'expected an IP address'],
  ['--advertise-ip 0.0.0.0', 'expected an IP address that others can send to'],
  ['--stun stun.example.org:0', 'expected a host or host:port that answers STUN over UDP'],
  ['--stun turns:turn.example.org', 'expected a STUN server over UDP'],
  ['--transport sctp', 'expected udp, tcp or tls'],
  ['--tls-cert a.pem', '--tls-cert is given without --tls-key'],
  ['--tls-port 5061', 'nothing can listen there'],
  ['--expires 0', 'from 1 to 604800'],
  ['--ring-delay 1e3', 'a number of seconds from 0 to 120'],
  ['--ring-delay=-1', 'a number of seconds'],
  ['--max-calls 100 --rtp-ports 10000-10009', '10000-10009 has ports for 5 calls'],
  ['--user 1', '--user is given without --server'],
  ['--server h', '--server is given without --user'],
  ['--password x', '--password is given without --user'],
  ['--user 1@a --domain b --server h', '--user says a and --domain says b'],
  ['--user 1 --server 1@h', 'who registers is given by --user'],
  ['--json --plain', 'one stream is either'],
  ['-q -v', 'less or more'],
  ['--config /nonexistent.toml', '/nonexistent.toml'],
  ['--env-file /nonexistent.env', '/nonexistent.env'],
  [
    '--user 1 --server h --password-file /nonexistent',
    '--password-file "/nonexistent": there is no such file',
  ],
];

test('what is wrong is named with its flag, its value and what was expected', () => {
  for (const [line, what] of WRONG) {
    const said = complaint(line);
    expect([line, said]).toEqual([line, expect.stringContaining(what)]);
    expect(said.split('\n')).toHaveLength(1);
  }
});

test('a wrong value names the variable, or the file and the line, that it came from', () => {
  expect(complaint('', { SIP_PORT: 'x' })).toStartWith('SIP_PORT "x": ');
  const env = file('wrong.env', '# one\nSIP_TRANSPORT=sctp\n');
  expect(complaint(`--env-file ${env}`)).toStartWith('SIP_TRANSPORT in wrong.env line 2 "sctp": ');
  const config = file('wrong.toml', 'max-calls = 0\n');
  expect(complaint(`--config ${config}`)).toStartWith('max-calls in wrong.toml line 1 "0": ');
});

test('-v and -q set the level, -vv and --raw put the messages into the events', () => {
  const levels = ['-q', '', '-v', '-vv', '--raw'].map((line) => read(line));
  expect(levels.map(({ verbosity }) => verbosity)).toEqual([-1, 0, 1, 2, 0]);
  expect(levels.map(({ rawMessages }) => rawMessages)).toEqual([false, false, false, true, true]);
});

test('a password is never in a sentence, and one on the command line is warned about once', () => {
  expect(complaint('--password hunter2')).not.toContain('hunter2');
  expect(complaint('', { SIP_PASSWORD: 'hunter2' })).not.toContain('hunter2');
  // In a URI, where no password belongs, and with a word that must not hide it.
  for (const uri of ['sip:100:hunter2@pbx', '100:hunter2@pbx', 'sip:100:hunter2@pbx@pbx']) {
    expect(complaint(`--user 100 --server ${uri}`)).toContain(':***@');
    expect(complaint(`--user 100 --server ${uri}`)).not.toContain('hunter2');
  }
  expect(complaint('--user 100 --server sip:100@pbx')).toContain('"sip:100@pbx"');
  expect(complaint('', { SIP_PASSWORD: 'hunter2\n' })).toBe(
    'SIP_PASSWORD: expected a password on one line, not empty.',
  );
  expect(read('--user 1 --server h --password hunter2').warnings).toHaveLength(1);
  expect(read('--user 1 --server h', { SIP_PASSWORD: 'hunter2' }).warnings).toEqual([]);
});

test('control characters in a wrong value do not reach the terminal', () => {
  expect(complaint('', { SIP_PORT: '\u001b[2J\u009b\n5' })).toBe(
    'SIP_PORT "?[2J??5": expected a port from 1 to 65535.',
  );
});

test('a command that takes no account reads none, not even a wrong one', () => {
  const here = join(folder, 'demo');
  mkdirSync(here);
  writeFileSync(join(here, '.env'), 'SIP_PORT=99999\n');
  expect(() => read('', { SIP_USER: '' }, here)).toThrow('SIP_PORT in .env line 1');
  expect(read('-v', { SIP_PASSWORD: 'alone' }, here, ['verbose', 'json']).accounts).toEqual([]);
});

test('the same seed gives the same words, no seed gives others each time', () => {
  expect(seedWords('lab')).toEqual(seedWords('lab'));
  expect(seedWords('lab')).not.toEqual(seedWords('lab2'));
  expect(seedWords(undefined)).not.toEqual(seedWords(undefined));
});

test('a proxy is reached over --transport unless it says another; an account over TLS goes to none in the clear', () => {
  const account = '--user 100 --server 192.0.2.1';
  expect(read(`${account} --transport tls --proxy 192.0.2.9`).proxy).toEqual({
    host: '192.0.2.9',
    transport: 'tls',
  });
  expect(read(`${account} --transport tls --proxy sip:192.0.2.9;transport=tcp`).proxy?.transport).toBe('tcp');
  expect(read(`${account} --proxy 192.0.2.9`).proxy).toEqual({ host: '192.0.2.9' });
  const [secure] = read('--user 100 --server sips:192.0.2.1 --proxy 192.0.2.9').accounts;
  expect(secure?.proxy).toEqual({ host: '192.0.2.9', port: 5061, transport: 'tls' });
  const config = file(
    'proxied.toml',
    'proxy = "192.0.2.9"\n[[account]]\nuser = "100"\nserver = "192.0.2.1:5070"\ntransport = "udp"\n',
  );
  const [own] = read(`--config ${config}`).accounts;
  expect(own?.proxy).toEqual({ host: '192.0.2.9', port: 5060, transport: 'udp', explicit: true });
  const [other] = read('--user 100 --server 192.0.2.1 --proxy edge.test').accounts;
  expect(other?.proxy).toEqual({ host: 'edge.test', port: 5060, transport: 'tcp', open: 'transport' });
});
