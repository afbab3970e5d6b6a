/**
 * The three parts of the demo: a registrar with digest authentication, the echo service and a caller, all on loopback
 * and in this process, each an endpoint of its own with real sockets.
 */
import { randomInt } from 'node:crypto';
import type { Event } from '../events.ts';
import { type DriverOptions, type Running, start } from '../io/driver.ts';
import type { Account, RegistrarUser } from '../sip/endpoint-config.ts';
import { RFC_TIMERS } from '../sip/timers.ts';
import { EXIT } from './exit-codes.ts';
import type { Options } from './options.ts';
import { UsageError } from './usage-error.ts';
import { PRODUCT } from './version.ts';

/** Which of the three, as `--json` names it. */
export type Part = 'registrar' | 'echo' | 'caller';

export const LOOPBACK = '127.0.0.1';
export const DOMAIN = 'lab.local';
export const ECHO_USER = 'echo';
const CALLER_USER = '100';

/** What one part does, and who hears of it. */
export interface PartOptions {
  readonly endpoint: Partial<DriverOptions['endpoint']>;
  readonly mediaThreads: number;
  readonly onEvent: (event: Event) => void;
}

/** Starts one part on any free port. Throws a `UsageError` where there is no loopback to listen on. */
export async function startPart(part: Part, options: Options, about: PartOptions): Promise<Running> {
  try {
    return await start(partOptions(part, options, about));
  } catch (error) {
    // An error with a type of its own (TypeError, ...) is a bug of ours and goes to main.
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
    // The sentence of the sockets ends with flags that the demo does not have.
    const why = error.message.replace(/ Check --bind.*$/, '');
    throw new UsageError(
      `${why} The demo needs ${LOOPBACK}: ip address shows whether it is there.`,
      EXIT.network,
    );
  }
}

function partOptions(part: Part, { seed, ...options }: Options, about: PartOptions): DriverOptions {
  return {
    endpoint: {
      // The same seed for all would give all the same tags.
      seed: [seed[0] ^ part.length, seed[1] ^ part.charCodeAt(0), seed[2], seed[3]],
      product: PRODUCT,
      accounts: [],
      echo: false,
      maxCalls: 10,
      ringDelayMs: options.ringDelayMs,
      answerDelayMs: options.answerDelayMs,
      mediaTimeoutMs: 60_000,
      rawMessages: options.rawMessages,
      timers: RFC_TIMERS,
      ...about.endpoint,
    },
    listen: ['udp', 'tcp'],
    bind: LOOPBACK,
    sipPort: 0,
    rtpPorts: options.rtpPorts,
    mediaThreads: about.mediaThreads,
    sampleIntervalMs: options.sampleIntervalMs,
    onEvent: about.onEvent,
  };
}

/** The users of the demo's registrar, with a password that nobody has to know. */
export function demoUsers(): readonly [RegistrarUser, RegistrarUser] {
  const password = `${randomInt(2 ** 47)}`;
  return [
    { user: ECHO_USER, password },
    { user: CALLER_USER, password },
  ];
}

/** The account of one of them at a registrar on that port. */
export function demoAccount(
  { user, password }: RegistrarUser,
  port: number,
  transport: 'udp' | 'tcp',
): Account {
  return {
    addressOfRecord: `sip:${user}@${DOMAIN}`,
    user,
    domain: DOMAIN,
    authUser: user,
    password,
    server: { host: LOOPBACK, port, transport },
    expiresS: 600,
  };
}
