/**
 * `ringback registrar`: the registrar and the proxy of a lab. It says what it does with each message, and which phone
 * is bound to which user.
 */

import type { Running } from '../io/driver.ts';
import { findLocalAddresses } from '../io/local-addresses.ts';
import { unshownAt } from '../report/plain.ts';
import { formatHost } from '../sip/flow.ts';
import { RFC_TIMERS } from '../sip/timers.ts';
import { startOrExplain } from './driver-options.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { openOutput } from './output.ts';
import { keepsRecords } from './records.ts';
import { readRegistrarOptions } from './registrar-options.ts';
import { STOP_LIMIT_MS, stopOnSignals } from './signals.ts';
import { reachedOver, reloadOf, tlsForDriver } from './tls.ts';
import { PRODUCT } from './version.ts';

/** Users that the ready line names; the rest is counted. */
const USERS_NAMED = 5;

/** Runs until it is told to stop. */
export async function run(invocation: Invocation): Promise<number> {
  const { options, users, algorithms, ...given } = readRegistrarOptions(invocation.flags, invocation);
  const address = options.advertiseIp ?? options.bind ?? ownAddress();
  const domain = given.domain ?? address;
  let exitCode: ExitCode = EXIT.done;
  let running: Running | undefined;
  let stopping: string | undefined;
  let tlsPort: number | undefined;

  const stop = (reason: string) => {
    if (stopping !== undefined) return;
    stopping = reason;
    running?.act({ type: 'stop', reason });
  };
  const output = openOutput(options, (fault) => {
    if (fault === undefined) return stop('nobody reads the output');
    exitCode = EXIT.internal;
    output.warn(`stdout cannot be written: ${fault}. The service stops.`);
    stop('the output cannot be written');
  });
  for (const warning of options.warnings) output.warn(warning);
  const signals = stopOnSignals(
    (reason) => {
      output.say('Leaving; calls that still ring are taken back.');
      stop(reason);
    },
    reloadOf(options.tls, () => running, output.warn),
  );
  const recorded = keepsRecords(options);
  const { bind, advertiseIp } = options;
  running = await startOrExplain({
    endpoint: {
      seed: options.seed,
      product: PRODUCT,
      accounts: [],
      echo: false,
      registrar: { domain, users, algorithms },
      maxCalls: options.maxCalls,
      ringDelayMs: 0,
      answerDelayMs: 0,
      mediaTimeoutMs: 0,
      ...(advertiseIp === undefined ? {} : { advertiseAddress: advertiseIp }),
      rawMessages: options.rawMessages || recorded,
      ...(options.output === 'plain' && !recorded ? { unwantedEvents: unshownAt(options.verbosity) } : {}),
      timers: RFC_TIMERS,
    },
    listen: ['udp', 'tcp'],
    ...(bind === undefined ? {} : { bind }),
    sipPort: options.sipPort,
    ...tlsForDriver(options.tls, 'serve'),
    rtpPorts: options.rtpPorts,
    mediaThreads: 0,
    sampleIntervalMs: options.sampleIntervalMs,
    onEvent: (event) => {
      if (event.type === 'listener.opened' && event.transport === 'tls') tlsPort = event.port;
      output.event(event.type === 'session.stopped' ? { ...event, exitCode } : event);
    },
    ...(output.tap === undefined ? {} : { tap: output.tap }),
  });
  // A signal, or a reader that left, may have come before there was anything to stop.
  if (stopping !== undefined) running.act({ type: 'stop', reason: stopping });
  else {
    const at = { address, port: running.sipPort, over: reachedOver(tlsPort) };
    for (const sentence of howToRegister(users, domain, at)) output.say(sentence);
  }

  const clean = await Promise.race([running.stopped.then(() => true), signals.overdue]);
  if (!clean) {
    output.warn(`Stopping took longer than ${STOP_LIMIT_MS / 1000} s; left without waiting.`);
    await output.leave?.('stopping took too long', exitCode);
  }
  await output.close();
  return exitCode;
}

/** What a person types into a phone, and into a terminal. */
function howToRegister(
  users: readonly { readonly user: string }[],
  domain: string,
  { address, port, over }: { readonly address: string; readonly port: number; readonly over: string },
): string[] {
  const named = users.slice(0, USERS_NAMED).map(({ user }) => user);
  if (users.length > USERS_NAMED) named.push(`${users.length - USERS_NAMED} more`);
  const who = named.length === 1 ? named[0] : `${named.slice(0, -1).join(', ')} or ${named.at(-1)}`;
  const suffix = port === 5060 ? '' : `:${port}`;
  return [
    `Ready: phones register as ${who}, domain ${formatHost(domain)}, server ${formatHost(address)}${suffix}, ${over}. Ctrl-C stops.`,
    `One of ours: SIP_PASSWORD=... ringback register --user ${users[0]?.user} --server ${formatHost(address)}${suffix} --domain ${domain}`,
  ];
}

function ownAddress(): string {
  const { ipv4, ipv6 } = findLocalAddresses().defaultAddresses;
  return ipv4 ?? ipv6 ?? '127.0.0.1';
}
