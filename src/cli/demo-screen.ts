/**
 * The demo on a terminal: the screen of the echo, with calls on it that come and go. One of them is mute, so that
 * there is something to find: the screen says why.
 */
import type { Event } from '../events.ts';
import type { Running } from '../io/driver.ts';
import { DOMAIN, demoAccount, demoUsers, ECHO_USER, LOOPBACK, startPart } from './demo-parts.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Options } from './options.ts';
import { openScreenOutput } from './screen-output.ts';
import { STOP_LIMIT_MS, stopOnSignals } from './signals.ts';

/** How long each call stands, in ms; another one takes its place. */
const CALL_MS = [25_000, 40_000, 70_000] as const;
/** A pause between two calls, in ms. */
const PAUSE_MS = 2_000;
/** The mute call's audio is promised from this port, the discard port, and never comes. */
const MUTE = { address: LOOPBACK, port: 9 } as const;

/** Runs until the person leaves. The exit code is 0. */
export async function playOnScreen(options: Options): Promise<ExitCode> {
  const parts: Running[] = [];
  const stopped = Promise.withResolvers<void>();
  let stopping = false;
  let echo: Running | undefined;
  const output = await openScreenOutput(options, (action) => {
    if (action.type === 'stop') stop();
    else echo?.act(action);
  });
  const stop = () => {
    if (stopping) return;
    stopping = true;
    void stopAll(parts).then(stopped.resolve);
  };
  const signals = stopOnSignals(stop);

  const [echoUser, callerUser] = demoUsers();
  const silent = { mediaThreads: 0, onEvent: () => {} };
  const users = [echoUser, callerUser];
  const registrar = await startPart('registrar', options, {
    ...silent,
    endpoint: { registrar: { domain: DOMAIN, users } },
  });
  parts.push(registrar);
  const port = registrar.sipPort;
  echo = await startPart('echo', options, {
    endpoint: { echo: true, liveTimers: true, accounts: [demoAccount(echoUser, port, 'tcp')] },
    mediaThreads: 1,
    onEvent: output.event,
  });
  parts.push(echo);
  const caller = await startCaller(options, demoAccount(callerUser, port, 'udp'), () => stopping);
  parts.push(caller);
  output.say('Enter opens a call, ? shows the keys, q leaves. One call has no audio: see why.');

  const clean = await Promise.race([stopped.promise.then(() => true), signals.overdue]);
  if (!clean) output.warn(`Stopping took longer than ${STOP_LIMIT_MS / 1000} s; left without waiting.`);
  await output.close();
  process.stdout.write('The demo is over. Next: ringback echo --help\n');
  return EXIT.done;
}

/** A caller that keeps its calls up: whenever one ends, it places another. It answers calls as an echo does. */
async function startCaller(
  options: Options,
  account: ReturnType<typeof demoAccount>,
  isOver: () => boolean,
): Promise<Running> {
  const to = `${ECHO_USER}@${DOMAIN}`;
  let placed = 0;
  const call = () => {
    if (isOver()) return;
    const mute = placed % (CALL_MS.length + 1) === CALL_MS.length;
    const durationMs = CALL_MS[placed % CALL_MS.length] ?? CALL_MS[0];
    placed += 1;
    caller.act({ type: 'call', to, durationMs, ...(mute ? { audio: MUTE } : { play: { type: 'tone' } }) });
  };
  const onEvent = (event: Event) => {
    if (event.type === 'call.changed' && event.to === 'terminated' && event.direction === 'outgoing') {
      setTimeout(call, PAUSE_MS).unref();
    }
    if (event.type === 'registration.changed' && event.to === 'registered' && placed === 0) {
      // One more than there are lengths: the last one is mute.
      for (let count = 0; count <= CALL_MS.length; count++) setTimeout(call, 500 * count).unref();
    }
  };
  const caller = await startPart('caller', options, {
    endpoint: { echo: true, accounts: [account] },
    mediaThreads: 1,
    onEvent,
  });
  return caller;
}

/** The caller first, so that every part hears the end. */
async function stopAll(parts: readonly Running[]): Promise<void> {
  for (const part of [...parts].reverse()) {
    part.act({ type: 'stop', reason: 'the demo is over' });
    await part.stopped;
  }
}
