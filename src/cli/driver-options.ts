/** What a command's options mean to the driver: an endpoint that echoes, or one that the lab commands share. */
import type { Event } from '../events.ts';
import { type DriverOptions, type DriverTap, type Running, start } from '../io/driver.ts';
import { unshownAt } from '../report/plain.ts';
import { RFC_TIMERS } from '../sip/timers.ts';
import { EXIT } from './exit-codes.ts';
import type { Options } from './options.ts';
import { keepsRecords } from './records.ts';
import { hopOf } from './server-address.ts';
import { tlsForDriver } from './tls.ts';
import { UsageError } from './usage-error.ts';
import { PRODUCT } from './version.ts';

/** The options of an echo.  */
export async function driverOptions(
  options: Options,
  onEvent: (event: Event) => void,
  tap?: DriverTap,
): Promise<DriverOptions> {
  const { advertiseIp, advertiseMediaIp, proxy, stun } = options;
  const recorded = keepsRecords(options);
  return {
    endpoint: {
      seed: options.seed,
      product: PRODUCT,
      accounts: options.accounts,
      echo: true,
      maxCalls: options.maxCalls,
      ringDelayMs: options.ringDelayMs,
      answerDelayMs: options.answerDelayMs,
      mediaTimeoutMs: options.mediaTimeoutMs,
      maxCallMs: options.maxCallMs,
      prack: options.prack,
      echoMessages: options.echoMessages,
      ...(advertiseIp === undefined ? {} : { advertiseAddress: advertiseIp }),
      ...(advertiseMediaIp === undefined ? {} : { advertiseMediaAddress: advertiseMediaIp }),
      ...(proxy === undefined ? {} : { proxy: hopOf(proxy, 'tcp') }),
      ...(stun === undefined ? {} : { stun }),
      ...(options.contactAsSent ? { privateContacts: 'as-sent' as const } : {}),
      keepaliveMs: options.keepaliveMs,
      ...(options.keepaliveBy === undefined ? {} : { keepaliveBy: options.keepaliveBy }),
      rawMessages: options.rawMessages || recorded,
      liveTimers: options.output === 'screen',
      ...(options.output === 'plain' && !recorded ? { unwantedEvents: unread(options.verbosity) } : {}),
      timers: RFC_TIMERS,
    },
    listen: ['udp', 'tcp'],
    ...(options.bind === undefined ? {} : { bind: options.bind }),
    ...(options.dns === undefined ? {} : { dns: options.dns }),
    sipPort: options.sipPort,
    ...tlsForDriver(options.tls, 'serve'),
    rtpPorts: options.rtpPorts,
    mediaThreads: options.mediaThreads,
    sampleIntervalMs: options.sampleIntervalMs,
    onEvent,
    ...(tap === undefined ? {} : { tap }),
  };
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
  const { advertiseIp, advertiseMediaIp, stun } = options;
  return {
    endpoint: {
      seed: options.seed,
      product: PRODUCT,
      accounts: [],
      echo: false,
      maxCalls: options.maxCalls,
      ringDelayMs: 0,
      answerDelayMs: 0,
      // A peer that says nothing may be what is tested.
      mediaTimeoutMs: 0,
      ...(advertiseIp === undefined ? {} : { advertiseAddress: advertiseIp }),
      ...(advertiseMediaIp === undefined ? {} : { advertiseMediaAddress: advertiseMediaIp }),
      ...(stun === undefined ? {} : { stun }),
      ...(options.contactAsSent ? { privateContacts: 'as-sent' as const } : {}),
      keepaliveMs: options.keepaliveMs,
      ...(options.keepaliveBy === undefined ? {} : { keepaliveBy: options.keepaliveBy }),
      // Whoever asks may want them; who does not is not sent them.
      rawMessages: true,
      timers: RFC_TIMERS,
    },
    listen: ['udp', 'tcp'],
    ...(options.bind === undefined ? {} : { bind: options.bind }),
    ...(options.dns === undefined ? {} : { dns: options.dns }),
    sipPort: options.sipPort,
    ...tlsForDriver(options.tls, 'call'),
    rtpPorts: options.rtpPorts,
    mediaThreads: 1,
    sampleIntervalMs: options.sampleIntervalMs,
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
