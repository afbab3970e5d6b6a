/**
 * The commands: what each does, which flags it takes, and where it lives. The code of a command is loaded when it is
 * called, so that `ringback --version` does not pay for sockets.
 */
import type { Command } from './command.ts';
import {
  ACCOUNT,
  CALLS,
  CONFIGURATION,
  NETWORK,
  ONCE_ACCOUNT,
  OUTPUT,
  PING,
  RECORDS,
  TLS,
} from './command-flags.ts';
import { LAB_COMMANDS } from './commands-lab.ts';
import type { FlagName } from './flags.ts';

/** Of the commands that have a screen. */
const NO_SCREEN = { help: 'lines on stdout and no screen; the default where stdout is no terminal' };

const later = (summary: string): Command => ({
  summary,
  flags: [],
  notes: ['This version does not have it yet; it ends with 2.'],
});

/** The table, in the order of the help page. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  demo: {
    summary: 'registrar, echo and a caller on this machine: the whole thing with nothing to configure',
    load: () => import('./demo.ts'),
    flags: ['rtp-ports', ...OUTPUT],
    wording: { plain: NO_SCREEN },
    notes: [
      'On a terminal it opens the screen and keeps calls up until q; one of them is',
      'mute, and the screen says why. Elsewhere, and with --plain or --json, it makes',
      'one call of 3 s of audio, judges what comes back and ends: 0 when all is well,',
      '7 when the audio did not come back.',
    ],
  },
  echo: {
    summary: "the echo service: registers, answers calls, sends the caller's own voice back",
    load: () => import('./echo.ts'),
    flags: [...ACCOUNT, ...NETWORK, ...CALLS, ...OUTPUT, ...RECORDS, ...CONFIGURATION],
    wording: { plain: NO_SCREEN },
    notes: [
      'On a terminal it opens the screen (? shows its keys); elsewhere, and with --plain, it prints lines.',
      'Without --server it registers nowhere and answers whoever calls it.',
      'A flag wins over the environment, that over .env, that over the --config file.',
      'Ctrl-C (or SIGTERM) hangs up, unregisters and leaves; twice leaves at once.',
      'With --json it also reads stdin when that is no terminal, one request a line:',
      'call TARGET, hold CALL, resume CALL, hangup CALL, hangup-all, register, stop.',
      '',
      'Exit codes: 0 stopped as asked, 2 wrong configuration, 3 authentication refused',
      'for every account, 6 no port or no network.',
      '',
      'Examples:',
      '  ringback echo --sip-port 5060',
      '  SIP_PASSWORD=secret ringback echo --user 100 --server pbx.example.org',
      '  ringback echo --config ringback.toml --json',
    ],
  },
  ...LAB_COMMANDS,
  ping: {
    summary: 'asks a target with OPTIONS what it supports, and how fast',
    load: () => import('./ping.ts'),
    word: 'TARGET',
    flags: [
      ...PING,
      ...ONCE_ACCOUNT,
      'bind',
      'sip-port',
      'dns',
      'advertise-ip',
      ...TLS,
      ...OUTPUT,
      ...RECORDS,
      ...CONFIGURATION,
    ],
    wording: {
      user: { value: 'USER', help: 'who asks, and answers a challenge: 100, or 100@example.org' },
      server: { value: 'HOST', help: 'the server of that account', otherwise: 'TARGET' },
      port: {
        value: 'PORT',
        help: 'port of TARGET, or of --server where both are given',
        otherwise: '5060, over TLS 5061',
      },
      transport: {
        value: 'udp|tcp|tls',
        help: 'how TARGET is asked, if its URI does not say it',
        otherwise: 'udp, SIP_TRANSPORT',
      },
    },
    notes: [
      'TARGET is a sip: URI, user@host, a host or host:port. Without one the server of the account is asked.',
      'A challenge is answered with --user and a password when TARGET is the server of that account; without --server it is taken to be.',
      'Ctrl-C prints what came of it and ends with 130.',
      '',
      'Exit codes: 0 every ping was answered with 2xx. Otherwise what the first that was not says: 3 credentials were asked for, and none were given or they were refused; 4 any other status, the target lives and refuses; 5 no answer in time; 6 no such name, or no way there. 2 wrong usage.',
      '',
      'Examples:',
      '  ringback ping pbx.example.org',
      "  ringback ping 'sip:192.0.2.1:5080;transport=tcp' --count 10 --interval 0.5",
      '  ringback ping sip:echo@192.0.2.1 --json',
    ],
  },
  probe: later('calls an echo and judges signalling and audio apart'),
  replay: {
    summary: 'plays a trace, or explains raw messages and captures (pcap), through the same engine',
    load: () => import('./replay.ts'),
    word: 'FILE',
    flags: ['json', 'plain', 'raw', 'transcript', 'verbose', 'quiet'],
    notes: [
      'A trace is what --trace FILE wrote: the same inputs give the same transcript.',
      'A capture is pcap or pcapng: SIP over UDP and TCP is found in it on any port.',
      'A text file holds SIP messages one after another. A line above a message may',
      'say more of it: --- received from 192.0.2.1:5060 udp at 12.3 (or: sent to; ms).',
      '',
      'Exit codes: 0 every event was the same, every message well-formed; 1 one was',
      'not (it is shown); 2 the file cannot be read.',
      '',
      'Examples:',
      '  ringback echo --trace session.trace',
      '  ringback replay session.trace -vv',
      '  ringback replay messages.txt --json',
      '  ringback replay capture.pcapng',
    ],
  },
  doctor: {
    summary: 'says what will work from here, and what will not',
    load: () => import('./doctor.ts'),
    word: '[SERVER]',
    flags: [
      ...ONCE_ACCOUNT,
      'bind',
      'sip-port',
      'rtp-ports',
      'dns',
      'advertise-ip',
      'stun',
      'tls-ca',
      'tls-cert',
      'tls-key',
      'tls-insecure',
      'json',
      'plain',
      'raw',
      'verbose',
      'quiet',
      ...CONFIGURATION,
    ],
    wording: {
      user: { value: 'USER', help: 'whose credentials are tried: 100, or 100@example.org' },
      server: { value: 'HOST', help: 'the server to look at, as SERVER (SIP_SERVER)' },
      transport: {
        value: 'udp|tcp|tls',
        help: 'how the server is reached',
        otherwise: 'as DNS says, then udp; SIP_TRANSPORT',
      },
      'sip-port': { value: 'PORT', help: 'the port that has to be free; 0 is any', otherwise: '0' },
    },
    notes: [
      'It looks at addresses, routes, ports, DNS, the server over each transport, the public address, the certificate, the clock, and with --user and a password at the credentials, by a REGISTER that binds nothing. Without SERVER it looks at this machine alone. It takes less than 10 s: what is not done by then says so.',
      'Marks: ✓ good, · not as it might be and not needed, ! a weak spot, ✗ in the way, ? could not be found out.',
      '',
      'Exit codes: 0 calls will work from here, 2 wrong usage, 3 the credentials were refused, 6 something in the network is in the way.',
      '',
      'Examples:',
      '  ringback doctor',
      '  ringback doctor pbx.example.org',
      '  SIP_PASSWORD=secret ringback doctor --user 100 --server pbx.example.org --json',
    ],
  },
  registrar: {
    summary: 'a small registrar and proxy for the lab, with digest authentication',
    load: () => import('./registrar.ts'),
    flags: [
      'user',
      'domain',
      'algorithm',
      'bind',
      'sip-port',
      'advertise-ip',
      ...TLS,
      ...OUTPUT,
      ...RECORDS,
      ...CONFIGURATION,
    ],
    many: ['user'],
    wording: {
      user: { value: 'NAME:SECRET', help: 'a user and the password; once for each user' },
      domain: { value: 'DOMAIN', help: 'what stands after the @, and the realm', otherwise: 'the address' },
      'sip-port': { value: 'PORT', help: 'port to listen on, UDP and TCP; 0 is any', otherwise: '5060' },
    },
    notes: [
      'Phones register with it and reach each other through it, over UDP and TCP, and over TLS with --tls-cert.',
      'All phones of a user ring; whoever is no user here can neither register nor call.',
      'In a --config file each [[account]] with user and password is a user.',
      '',
      'Examples:',
      '  ringback registrar --domain lab.local --user 100:secret --user 101:secret',
      '  ringback registrar --config lab.toml --sip-port 5070 --json',
    ],
  },
  status: {
    summary: 'lists what the agent and every echo hold: registrations, calls, listeners',
    load: () => import('./status.ts'),
    flags: ['json'],
    wording: { json: { help: 'an array on stdout, one object for each process' } },
  },
  attach: {
    summary: 'opens the screen on the running agent, or on an echo',
    load: () => import('./attach.ts'),
    flags: ['process'],
    notes: [
      'It needs a terminal. ? shows the keys; q leaves the screen and ends nothing. ringback stop ends what runs.',
    ],
  },
  stop: {
    summary: 'ends the agent, and every echo, cleanly: calls hung up, registrations taken back',
    load: () => import('./stop.ts'),
    flags: OUTPUT,
  },
  agent: {
    summary: 'holds what other commands began; they start it',
    load: () => import('./agent.ts'),
    flags: ['linger', ...NETWORK],
    hidden: true,
  },
  schema: {
    summary: 'prints the JSON Schema of the events',
    load: () => import('./schema.ts'),
    flags: [],
  },
  help: {
    summary: 'says more about a command: ringback help echo',
    word: '[COMMAND]',
    load: () => import('./help.ts'),
    flags: [],
  },
};

/** Flags that every command takes. */
export const EVERYWHERE: readonly FlagName[] = ['help', 'version'];

/** Whether this version can run it. */
export function isHere(command: Command): boolean {
  return command.load !== undefined;
}
