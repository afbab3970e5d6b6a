/** The commands that begin, change and end what an agent holds, registrations and calls: part of the table in commands.ts. */
import type { Command } from './command.ts';
import {
  ACCOUNT,
  AGENT,
  CALL,
  CONFIGURATION,
  NETWORK,
  ONCE_ACCOUNT,
  OUTPUT,
  RECORDS,
} from './command-flags.ts';

/** In the order of the help page. */
export const LAB_COMMANDS: Readonly<Record<string, Command>> = {
  register: {
    summary: 'registers an address and keeps it registered',
    load: () => import('./register.ts'),
    wording: {
      server: { value: 'HOST', help: 'where to register: a host, host:port or a sip: URI (SIP_SERVER)' },
      transport: { value: 'udp|tcp|tls', help: 'how the server is reached', otherwise: 'udp, SIP_TRANSPORT' },
    },
    flags: [...ACCOUNT, ...AGENT, 'remove', ...NETWORK, ...OUTPUT, ...RECORDS, ...CONFIGURATION],
    notes: [
      'The background agent keeps it registered after this command has ended. It is started when needed, and leaves when it has nothing to keep. With --foreground this process does it, until Ctrl-C.',
      '',
      'Exit codes: 0 registered, 2 wrong usage, 3 authentication refused, 4 refused, 5 no answer, 6 no network.',
      '',
      'Examples:',
      '  SIP_PASSWORD=secret ringback register --user 100@lab.local --server 127.0.0.1',
      '  ringback register --remove --user 100',
    ],
  },
  call: {
    summary: 'places a call and prints its transcript',
    load: () => import('./call.ts'),
    many: ['header'],
    wording: {
      user: { value: 'USER', help: 'the account of this call alone: 100, or 100@example.org' },
      server: { value: 'HOST', help: 'its server: a host, host:port or a sip: URI' },
      transport: {
        value: 'udp|tcp|tls',
        help: 'how the server is reached; without an account, the callee',
        otherwise: 'udp, SIP_TRANSPORT',
      },
    },
    flags: [
      'from',
      'to',
      'screen',
      ...CALL,
      ...ONCE_ACCOUNT,
      ...AGENT,
      ...NETWORK,
      ...OUTPUT,
      ...RECORDS,
      ...CONFIGURATION,
    ],
    notes: [
      'It ends with 0 once the call is established; the agent holds the call until ringback hangup. Ctrl-C while it rings takes it back (130). With --foreground this process holds the call, until it ends or Ctrl-C.',
      'Two runs with the same --seed against the same peer: 32 s apart, or the second looks like a retransmission of the first.',
      '',
      'With --user, --server and a password, these are the credentials of this call; nothing is registered. One whom the agent has registered calls with the credentials of the registration.',
      '',
      'Exit codes: 0 established, 2 wrong usage, 3 authentication refused, 4 refused, 5 no answer, 6 no network, 7 answered, and the audio cannot work.',
      '',
      'Examples:',
      '  ringback call --from 100 --to 101@lab.local',
      '  ringback call --to sip:echo@192.0.2.1 --play tone --duration 5 --foreground',
      "  ringback call --to 101@lab.local --header 'X-Test: 1' --dtmf 123#",
    ],
  },
  hangup: {
    summary: 'ends a call, or all',
    load: () => import('./hangup.ts'),
    flags: ['call-id', 'all', ...OUTPUT],
    notes: [
      'A call that still rings is taken back (CANCEL). --all means those of every ringback echo, too; ringback status lists them.',
      '',
      'Exit codes: 0 it is over, 2 there is no such call.',
      '',
      'Examples:',
      '  ringback hangup --call-id call-100-101-001',
      '  ringback hangup --all',
    ],
  },
  hold: {
    summary: 'asks the other side of a call to send nothing',
    load: () => import('./hold.ts'),
    flags: ['call-id', ...OUTPUT],
    notes: ['Examples:', '  ringback hold --call-id call-100-101-001'],
  },
  resume: {
    summary: 'goes on with a call that was held',
    load: () => import('./resume.ts'),
    flags: ['call-id', ...OUTPUT],
    notes: ['Examples:', '  ringback resume --call-id call-100-101-001'],
  },
};
