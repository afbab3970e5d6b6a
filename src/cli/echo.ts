/**
 * `ringback echo`: the echo service without a screen. It turns options into the driver's own, prints what happens,
 * and ends with a code that a monitor can read.
 */
import { AgentError } from '../agent/agent-error.ts';
import type { ControlServer } from '../agent/control-server.ts';
import { Host } from '../agent/host.ts';
import type { Event } from '../events.ts';
import type { Running } from '../io/driver.ts';
import { controlFolder } from './control-folder.ts';
import { openControl } from './control-socket.ts';
import { driverOptions, startOrExplain } from './driver-options.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { outboundOf } from './instance.ts';
import type { Invocation } from './invocation.ts';
import { readOptions } from './options.ts';
import { type Output, openOutput } from './output.ts';
import { refusedEverywhere } from './registration-watch.ts';
import { readRequests } from './requests.ts';
import { onScreen, openScreenOutput } from './screen-output.ts';
import { STOP_LIMIT_MS, stopOnSignals } from './signals.ts';
import { reachedOver, reloadOf } from './tls.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

/** What a person types into a phone to call us; the user part may be anything. */
function callMe(address: string | undefined, port: number): string {
  const host = address ?? '127.0.0.1';
  return `sip:echo@${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Addresses of record that are named; the rest is counted. */
const MOST_NAMED = 3;

/** Whom people dial: what is registered with a provider is reached there, and this machine perhaps not at all. */
export function readySentence(accounts: readonly string[], own: string, over: string): string {
  if (accounts.length === 0) return `Ready: call ${own}, ${over}. Ctrl-C stops.`;
  const named = accounts.slice(0, MOST_NAMED).join(' or ');
  const more = accounts.length > MOST_NAMED ? ` (and ${accounts.length - MOST_NAMED} more)` : '';
  return `Ready: call ${named}${more} once registered; from this network also ${own}, ${over}. Ctrl-C stops.`;
}

/** Runs until it is told to stop. */
export async function run(invocation: Invocation): Promise<number> {
  const options = onScreen(invocation, readOptions(invocation.flags, invocation, 'tcp'));
  let exitCode: ExitCode = EXIT.done;
  let running: Running | undefined;
  let stopping: string | undefined;
  /** Where others reach us: the public address when there is one. */
  let address: string | undefined;
  let tlsPort: number | undefined;

  const stop = (reason: string) => {
    if (stopping !== undefined) return;
    stopping = reason;
    running?.act({ type: 'stop', reason });
  };
  const output: Output =
    options.output === 'screen'
      ? await openScreenOutput(options, (action) =>
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
    if (event.type === 'listener.opened' && event.transport === 'tls') tlsPort = event.port;
    host.event(event);
    output.event(event.type === 'session.stopped' ? { ...event, exitCode } : event);
  };
  const host = new Host({
    kind: 'echo',
    pid: process.pid,
    version: VERSION,
    act: (action) => running?.act(action),
    accounts: options.accounts,
  });
  const signals = stopOnSignals(
    (reason) => {
      output.say('Hanging up and leaving, at most 5 s; once more leaves at once.');
      stop(reason);
    },
    reloadOf(options.tls, () => running, output.warn),
  );
  const driver = driverOptions(options, onEvent, output.tap);
  const endpoint = { ...driver.endpoint, ...outboundOf(options, invocation.variables) };
  running = await startOrExplain({ ...driver, endpoint });
  // A signal, or a reader that left, may have come before there was anything to stop.
  if (stopping !== undefined) running.act({ type: 'stop', reason: stopping });
  else {
    const accounts = options.accounts.map(({ addressOfRecord }) => addressOfRecord);
    output.say(readySentence(accounts, callMe(address, running.sipPort), reachedOver(tlsPort)));
  }
  const control = await openEchoControl(host, invocation.variables, stop, output.warn);
  const { stopped } = running;
  if (options.output === 'json') readRequests((action) => running?.act(action), stop, output.warn);

  const clean = await Promise.race([stopped.then(() => true), signals.overdue]);
  if (!clean) {
    output.warn(`Stopping took longer than ${STOP_LIMIT_MS / 1000} s; left without waiting.`);
    await output.leave?.('stopping took too long', exitCode);
  }
  control?.close();
  await output.close();
  return exitCode;
}

/** `ringback status`, `hangup` and `stop` reach the echo here. It echoes without, too. */
async function openEchoControl(
  host: Host,
  variables: Invocation['variables'],
  onStop: (reason: string) => void,
  warn: (sentence: string) => void,
): Promise<ControlServer | undefined> {
  // Where there are no such users there is no such socket: nothing that a person could mend.
  if (process.getuid === undefined) return undefined;
  try {
    return await openControl({ folder: controlFolder(variables), host, onStop, onClients: () => {} });
  } catch (error) {
    if (!(error instanceof AgentError || error instanceof UsageError)) throw error;
    warn(`ringback status, hangup and stop will not find this echo: ${error.message}`);
    return undefined;
  }
}
