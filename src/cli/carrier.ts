/**
 * Who carries what a command begins: the agent in its own process, or an endpoint in this one (`--foreground`). The
 * command cannot tell, so one code is behind both.
 */
import { AgentError } from '../agent/agent-error.ts';
import { reachAgent } from '../agent/agent-process.ts';
import { type ControlClient, checkVersion, connectControl } from '../agent/control-client.ts';
import type { Seed, Task } from '../agent/control-message.ts';
import { Host } from '../agent/host.ts';
import { describeLost } from '../agent/ledger.ts';
import { socketsIn } from '../agent/runtime-folder.ts';
import type { Event } from '../events.ts';
import type { Running } from '../io/driver.ts';
import { agentSettings, settingWords, unlikeAgent } from './agent-settings.ts';
import { controlFolder } from './control-folder.ts';
import { labDriverOptions, startOrExplain } from './driver-options.ts';
import { outboundOf } from './instance.ts';
import type { Invocation } from './invocation.ts';
import { type Options, readSettings } from './options.ts';
import type { Records } from './records.ts';
import { tlsForDriver } from './tls.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

/** See above. */
export interface Carrier {
  /** Begins it; the events of it come until `end`. Rejects with an `AgentError` when it cannot begin. */
  begin(task: Task, seed: Seed | undefined, onEvent: (event: Event) => void): Promise<{ end(): void }>;
  /** It is gone, and with it what was begun. */
  readonly closed: Promise<void>;
  /** The endpoint is in this process: nobody goes on with it once the command has left. */
  readonly own?: boolean;
  /** What was begun in this process ends here; what an agent holds goes on. */
  close(): Promise<void>;
}

/** Opens one; it is given what the command's output has for it. */
export type OpenCarrier = (output: {
  readonly warn: (sentence: string) => void;
  readonly records: Records;
}) => Promise<Carrier>;

function carrierOf(client: ControlClient): Carrier {
  return { begin: client.begin, closed: client.closed, close: async () => client.close() };
}

/** Connects to the agent, starting it when there is none. */
async function openAgent(
  invocation: Invocation,
  options: Options,
  warn: (sentence: string) => void,
): Promise<Carrier> {
  const { variables, flags } = invocation;
  // Here it can be said what is wrong with a file; the agent has nobody to say it to.
  tlsForDriver(options.tls, 'call');
  const folder = controlFolder(variables);
  const wanted = agentSettings(options);
  const command = { words: [...ownWords(), ...settingWords(wanted)], variables };
  let { client, started } = await reachAgent(folder, command);
  checkVersion(client.hello, VERSION);
  const { lost, settings: held } = client.hello;
  if (lost !== undefined) warn(describeLost(lost));
  const { settings: given } = readSettings(flags, invocation);
  const other = started ? [] : unlikeAgent(given, wanted, held);
  if (other.length > 0) {
    // One that holds nothing lingers from a command before: what that one lacked is often what is given now.
    if (await client.retire('another one is started with other settings')) {
      ({ client, started } = await reachAgent(folder, command));
    }
    if (!started) {
      warn(`The agent runs already: ${other.join(', ')} will count when it is started anew (ringback stop).`);
    }
  }
  return carrierOf(client);
}

/** How this program is started again as the agent, from its sources or compiled. */
function ownWords(): readonly string[] {
  const compiled = Bun.main.startsWith('/$bunfs/') || /^[A-Z]:[\\/]~BUN/i.test(Bun.main);
  return [process.execPath, ...(compiled ? [] : [Bun.main]), 'agent'];
}

/** An endpoint of this process alone. */
async function openForeground(
  options: Options,
  { tap, event }: Records,
  variables: Invocation['variables'],
): Promise<Carrier> {
  let running: Running | undefined;
  const host = new Host({
    kind: 'agent',
    pid: process.pid,
    version: VERSION,
    act: (action) => running?.act(action),
    accounts: [],
  });
  const onEvent = (happened: Event) => {
    event(happened);
    host.event(happened);
  };
  const driver = labDriverOptions(options, onEvent, tap);
  const endpoint = { ...driver.endpoint, ...outboundOf(options, variables) };
  running = await startOrExplain({ ...driver, endpoint });
  const { stopped } = running;
  return {
    own: true,
    begin: async (task, seed, onEvent) => host.begin(task, seed, onEvent),
    closed: stopped.then(() => undefined),
    async close() {
      host.stop('the command is over');
      await stopped;
    },
  };
}

/** The agent, or with `--foreground` this process. */
export function carrierFor(invocation: Invocation, options: Options): OpenCarrier {
  const { flags, variables } = invocation;
  if (flags.has('foreground')) return ({ records }) => openForeground(options, records, variables);
  if (options.trace !== undefined) {
    throw new UsageError(
      '--trace needs --foreground: what the agent does is not one session. --transcript FILE tells what this command began.',
    );
  }
  return ({ warn }) => openAgent(invocation, options, warn);
}

/** Everybody who answers on a socket of this user: the agent first, then each echo. */
export async function openAll(variables: Invocation['variables']): Promise<ControlClient[]> {
  const clients: ControlClient[] = [];
  for (const path of socketsIn(controlFolder(variables))) {
    const client = await connectControl(path).catch((error: unknown) => {
      if (error instanceof AgentError) return undefined;
      throw error;
    });
    if (client !== undefined) clients.push(client);
  }
  return clients;
}

/** Times of another process on the clock of this one, so that those of several stand in one order. */
function onOwnClock(onEvent: (event: Event) => void): (event: Event) => void {
  let aheadMs: number | undefined;
  return (event) => {
    aheadMs ??= event.atMs - performance.now();
    onEvent({ ...event, atMs: event.atMs - aheadMs });
  };
}

/** One carrier for several holders: a task goes to all of them. */
export function together(clients: readonly ControlClient[]): Carrier {
  return {
    async begin(task, seed, onEvent) {
      const begun = await Promise.all(clients.map((client) => client.begin(task, seed, onOwnClock(onEvent))));
      return {
        end() {
          for (const { end } of begun) end();
        },
      };
    },
    closed: Promise.race(clients.map(({ closed }) => closed)),
    async close() {
      for (const client of clients) client.close();
    },
  };
}
