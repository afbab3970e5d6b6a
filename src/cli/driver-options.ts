/** What a command's options mean to the driver: an endpoint that echoes, or one that the lab commands share. */
import type { Event } from '../events.ts';
import { type DriverOptions, type DriverTap, type Running, start } from '../io/driver.ts';
import { unshownAt } from '../report/plain.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import { hopOf } from '../sip/next-hop.ts';
import { RFC_TIMERS } from '../sip/timers.ts';
import { EXIT } from './exit-codes.ts';
import type { Options } from './options.ts';
import { keepsRecords } from './records.ts';
import { tlsForDriver } from './tls.ts';
import { UsageError } from './usage-error.ts';
import { PRODUCT } from './version.ts';

/** The options of an echo. */
export function driverOptions(
  options: Options,
  onEvent: (event: Event) => void,
  tap?: DriverTap,
): DriverOptions {
  const { proxy } = options;
  const recorded = keepsRecords(options);
  return {
    endpoint: {
      ...endpointOptions(options),
      accounts: options.accounts,
      echo: true,
      ringDelayMs: options.ringDelayMs,
      answerDelayMs: options.answerDelayMs,
      mediaTimeoutMs: options.mediaTimeoutMs,
      maxCallMs: options.maxCallMs,
      prack: options.prack,
      echoMessages: options.echoMessages,
      ...(proxy === undefined ? {} : { proxy: hopOf(proxy, 'tcp') }),
      rawMessages: options.rawMessages || recorded,
      liveTimers: options.output === 'screen',
      ...(options.output === 'plain' && !recorded ? { unwantedEvents: unread(options.verbosity) } : {}),
    },
    ...socketOptions(options),
    ...tlsForDriver(options.tls, 'serve'),
    mediaThreads: options.mediaThreads,
    onEvent,
    ...(tap === undefined ? {} : { tap }),
  };
}

/** What every endpoint has of the options: who it is, and how it is reached. */
function endpointOptions(options: Options) {
  const { advertiseIp, advertiseMediaIp, stun, keepaliveBy } = options;
  return {
    seed: options.seed,
    product: PRODUCT,
    maxCalls: options.maxCalls,
    ...(advertiseIp === undefined ? {} : { advertiseAddress: advertiseIp }),
    ...(advertiseMediaIp === undefined ? {} : { advertiseMediaAddress: advertiseMediaIp }),
    ...(stun === undefined ? {} : { stun }),
    ...(options.contactAsSent ? { privateContacts: 'as-sent' as const } : {}),
    keepaliveMs: options.keepaliveMs,
    ...(keepaliveBy === undefined ? {} : { keepaliveBy }),
    timers: RFC_TIMERS,
  } satisfies Partial<EndpointConfig>;
}

/** What every driver has of them: where it listens, and whom it asks. */
function socketOptions({ bind, dns, sipPort, rtpPorts, sampleIntervalMs }: Options) {
  return {
    listen: ['udp', 'tcp'],
    ...(bind === undefined ? {} : { bind }),
    ...(dns === undefined ? {} : { dns }),
    sipPort,
    rtpPorts,
    sampleIntervalMs,
  } satisfies Partial<DriverOptions>;
}

/** Events that neither the plain lines nor `ringback status` read. */
function unread(verbosity: Options['verbosity']): ReadonlySet<Event['type']> {
  const unshown = new Set(unshownAt(verbosity));
  for (const type of ['call.changed', 'media.started'] as const) unshown.delete(type);
  return unshown;
}

/** The options of an endpoint that holds what the lab commands begin: it answers no calls, and says everything. */
export function labDriverOptions(
  options: Options,
  onEvent: (event: Event) => void,
  tap?: DriverTap,
): DriverOptions {
  return {
    endpoint: {
      ...endpointOptions(options),
      accounts: [],
      echo: false,
      ringDelayMs: 0,
      answerDelayMs: 0,
      // A peer that says nothing may be what is tested.
      mediaTimeoutMs: 0,
      // Whoever asks may want them; who does not is not sent them.
      rawMessages: true,
    },
    ...socketOptions(options),
    ...tlsForDriver(options.tls, 'call'),
    mediaThreads: 1,
    onEvent,
    ...(tap === undefined ? {} : { tap }),
  };
}

/** Starts, or says what a person can do about the port. */
export async function startOrExplain(options: DriverOptions): Promise<Running> {
  try {
    return await start(options);
  } catch (error) {
    // An error with a type of its own (TypeError, ...) is a bug of ours and goes to main.
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
    throw new UsageError(error.message, EXIT.network);
  }
}
