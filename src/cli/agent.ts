/**
 * `ringback agent`: the process that holds registrations and calls for the commands that began them. Commands start it
 * (agent/agent-process.ts); it leaves when there has been nothing to keep for 30 s.
 */
import { join } from 'node:path';
import { type AgentLock, takeLock } from '../agent/agent-lock.ts';
import { connectControl } from '../agent/control-client.ts';
import type { Lost } from '../agent/control-message.ts';
import type { ControlServer } from '../agent/control-server.ts';
import { Host } from '../agent/host.ts';
import { LEDGER, readLedger, removeLedger, writeLedger } from '../agent/ledger.ts';
import { AGENT_SOCKET } from '../agent/runtime-folder.ts';
import type { Event } from '../events.ts';
import type { Running } from '../io/driver.ts';
import { agentSettings } from './agent-settings.ts';
import { controlFolder } from './control-folder.ts';
import { openControl } from './control-socket.ts';
import { labDriverOptions, startOrExplain } from './driver-options.ts';
import { EXIT } from './exit-codes.ts';
import { outboundOf } from './instance.ts';
import type { Invocation } from './invocation.ts';
import { readOptions } from './options.ts';
import { readSetting } from './settings.ts';
import { stopOnSignals } from './signals.ts';
import { reloadOf } from './tls.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

/** How long it stays with nothing to keep, in s. */
const LINGER_S = 30;
/** How long it waits for one that is leaving, in ms. */
const LOCK_LIMIT_MS = 12_000;

export async function run(invocation: Invocation): Promise<number> {
  const { flags, variables } = invocation;
  const options = readOptions(flags, invocation, 'udp');
  const linger = flags.get('linger');
  const lingerMs = (linger === undefined ? LINGER_S : readSetting('linger', linger).value) * 1000;
  const folder = controlFolder(variables);
  const lock = await lockOrYield(folder);
  // Another one is the agent.
  if (lock === undefined) return EXIT.done;

  let running: Running | undefined;
  let server: ControlServer | undefined;
  const host: Host = new Host({
    kind: 'agent',
    pid: process.pid,
    version: VERSION,
    act: (action) => running?.act(action),
    accounts: [],
  });
  const stop = (reason: string) => host.stop(reason);
  const idle = watchIdle(
    lingerMs,
    () => host.idle,
    () => server?.clients === 0,
    () => {
      // Who connects from now on finds nobody, and starts an agent of its own.
      server?.close();
      stop('nothing left to keep');
    },
  );
  const ledger = keepLedger(join(folder, LEDGER), host);
  const onEvent = (event: Event) => {
    host.event(event);
    ledger.update();
    idle.look();
  };
  const driver = labDriverOptions(options, onEvent);
  const endpoint = { ...driver.endpoint, ...outboundOf(options, variables) };
  running = await startOrExplain({ ...driver, endpoint });
  // Nobody reads what an agent says; the next connection shows it.
  const { overdue } = stopOnSignals(
    stop,
    reloadOf(
      options.tls,
      () => running,
      () => {},
    ),
  );
  const lost = ledger.before === undefined ? {} : { lost: ledger.before };
  const about = { settings: agentSettings(options), ...lost };
  server = await openControl({ folder, host, ...about, onStop: stop, onClients: idle.look });
  idle.look();
  await Promise.race([running.stopped, overdue]);
  // In this order: who finds no socket any more finds the lock free soon after.
  server.close();
  ledger.close();
  lock.release();
  return EXIT.done;
}

/** Takes the lock; undefined when another process has it and answers. Throws when it has it and does not. */
async function lockOrYield(folder: string): Promise<AgentLock | undefined> {
  const untilMs = performance.now() + LOCK_LIMIT_MS;
  for (;;) {
    const lock = takeLock(join(folder, 'agent.lock'));
    if (lock !== undefined) return lock;
    const other = await connectControl(join(folder, AGENT_SOCKET));
    if (other !== undefined) {
      other.close();
      return undefined;
    }
    if (performance.now() > untilMs) {
      throw new UsageError(
        `Another agent holds ${folder}/agent.lock and does not answer; look for it and end it.`,
        EXIT.internal,
      );
    }
    await Bun.sleep(50);
  }
}

/**
 * Calls `leave` once nothing has been kept for that long and nobody is connected: who asks for the status again and
 * again keeps nothing. `look` is called whenever that may have changed.
 */
export function watchIdle(
  lingerMs: number,
  isIdle: () => boolean,
  isAlone: () => boolean,
  leave: () => void,
): { readonly look: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = false;
  const look = () => {
    if (!isIdle()) {
      clearTimeout(timer);
      timer = undefined;
      due = false;
    } else if (due && isAlone()) {
      due = false;
      leave();
    } else {
      timer ??= setTimeout(() => {
        due = true;
        look();
      }, lingerMs);
    }
  };
  return { look };
}

/** Writes down what is held, whenever that changes, and removes it at the end. */
function keepLedger(
  file: string,
  host: Host,
): { readonly before: Lost | undefined; readonly update: () => void; readonly close: () => void } {
  const before = readLedger(file);
  let last = '';
  return {
    before,
    update() {
      const { registered: accounts, handles: calls } = host.holdings;
      const held = { pid: process.pid, accounts: [...accounts], calls: [...calls] };
      const text = JSON.stringify(held);
      if (text === last) return;
      last = text;
      writeLedger(file, held);
    },
    close: () => removeLedger(file),
  };
}
