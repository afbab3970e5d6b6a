/**
 * `ringback echo`: the echo service without a screen. It turns options into the driver's own, prints what happens,
 * and ends with a code that a monitor can read.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Event } from '../events.ts';
import { type DriverOptions, type DriverTap, type Running, start } from '../io/driver.ts';
import { unshownAt } from '../report/plain.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { type Options, readOptions } from './options.ts';
import { type Output, openOutput } from './output.ts';
import { keepsRecords } from './records.ts';
import { refusedEverywhere } from './registration-watch.ts';
import { readRequests } from './requests.ts';
import { onScreen, openScreenOutput } from './screen-output.ts';
import type { ServerAddress } from './server-address.ts';
import { STOP_LIMIT_MS, stopOnSignals } from './signals.ts';
import { UsageError } from './usage-error.ts';
import { PRODUCT } from './version.ts';

/** RFC 3261 §17.1.1.1, Table 4. */
const TIMERS = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 } as const;

/** The driver's options. A proxy's name is resolved here, once, because the endpoint takes an address. */
export async function driverOptions(
  options: Options,
  onEvent: (event: Event) => void,
  tap?: DriverTap,
): Promise<DriverOptions> {
  const { advertiseIp, advertiseMediaIp, proxy } = options;
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
      ...(proxy === undefined ? {} : { proxy: await resolveProxy(proxy) }),
      rawMessages: options.rawMessages || recorded,
      liveTimers: options.output === 'screen',
      ...(options.output === 'plain' && !recorded ? { unwantedEvents: unshownAt(options.verbosity) } : {}),
      timers: TIMERS,
    },
    listen: ['udp', 'tcp'],
    ...(options.bind === undefined ? {} : { bind: options.bind }),
    sipPort: options.sipPort,
    rtpPorts: options.rtpPorts,
    mediaThreads: options.mediaThreads,
    sampleIntervalMs: options.sampleIntervalMs,
    onEvent,
    ...(tap === undefined ? {} : { tap }),
  };
}

async function resolveProxy({ host, port, transport }: ServerAddress) {
  const rest = { port: port ?? 5060, transport: transport ?? ('tcp' as const) };
  if (isIP(host) !== 0) return { address: host, ...rest };
  try {
    const { address } = await lookup(host, { order: 'ipv4first' });
    return { address, ...rest };
  } catch {
    throw new UsageError(`The proxy ${host} has no address in DNS; check --proxy.`, EXIT.network);
  }
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

/** What a person types into a phone to call us; the user part may be anything. */
function callMe(address: string | undefined, port: number): string {
  const host = address ?? '127.0.0.1';
  return `sip:echo@${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Runs until it is told to stop. */
export async function run(invocation: Invocation): Promise<number> {
  const options = onScreen(invocation, readOptions(invocation.flags, invocation, 'tcp'));
  let exitCode: ExitCode = EXIT.done;
  let running: Running | undefined;
  let stopping: string | undefined;
  /** Where others reach us: the public address when there is one. */
  let address: string | undefined;

  const stop = (reason: string) => {
    if (stopping !== undefined) return;
    stopping = reason;
    running?.act({ type: 'stop', reason });
  };
  const output: Output =
    options.output === 'screen'
      ? openScreenOutput(options, (action) =>
          action.type === 'stop' ? stop(action.reason) : running?.act(action),
        )
      : openOutput(options, (fault) => {
          if (fault === undefined) return stop('nobody reads the output');
          // A service that cannot say what it does has failed: a full disk must not look like a wanted end.
          exitCode = EXIT.internal;
          output.warn(`stdout cannot be written: ${fault}. The service stops.`);
          stop('the output cannot be written');
        });
  for (const warning of options.warnings) output.warn(warning);

  const refused = refusedEverywhere(options.accounts.map((account) => account.addressOfRecord));
  const onEvent = (event: Event) => {
    if (refused(event) && stopping === undefined) {
      exitCode = EXIT.authenticationRefused;
      // The endpoint is in the middle of a turn: what it is told next waits for the end of it.
      queueMicrotask(() => stop('authentication was refused for every account'));
    }
    if (event.type === 'address.discovered')
      address = event.scope === 'public' ? event.address : (address ?? event.address);
    output.event(event.type === 'session.stopped' ? { ...event, exitCode } : event);
  };
  const signals = stopOnSignals((reason) => {
    output.say('Hanging up and leaving, at most 5 s; once more leaves at once.');
    stop(reason);
  });
  running = await startOrExplain(await driverOptions(options, onEvent, output.tap));
  // A signal, or a reader that left, may have come before there was anything to stop.
  if (stopping !== undefined) running.act({ type: 'stop', reason: stopping });
  else output.say(`Ready: call ${callMe(address, running.sipPort)}, over UDP or TCP. Ctrl-C stops.`);
  const { stopped } = running;
  if (options.output === 'json') readRequests((action) => running?.act(action), stop, output.warn);

  const clean = await Promise.race([stopped.then(() => true), signals.overdue]);
  if (!clean) output.warn(`Stopping took longer than ${STOP_LIMIT_MS / 1000} s; left without waiting.`);
  await output.close();
  return exitCode;
}
