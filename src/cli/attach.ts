/**
 * `ringback attach`: the screen on what runs already, the agent or an echo. Leaving it ends nothing: whoever holds the
 * calls goes on holding them.
 */
import type { ControlClient } from '../agent/control-client.ts';
import { checkVersion } from '../agent/control-client.ts';
import type { View } from '../tui/view.ts';
import { chooseProcess } from './attach-choice.ts';
import { openAll } from './carrier.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { exported, terminalLook } from './screen-output.ts';
import { readSetting } from './settings.ts';
import { stopOnSignals } from './signals.ts';
import { guardTerminal, restoreTerminal } from './terminal-guard.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

export async function run({ flags, variables }: Invocation): Promise<number> {
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
    throw new UsageError(
      'ringback attach is for a terminal; for a program there are status --json and echo --json.',
    );
  }
  const given = flags.get('process');
  const clients = await openAll(variables);
  const pid = given === undefined ? undefined : readSetting('process', given).value;
  const chosen = chooseProcess(await Promise.all(clients.map((client) => client.status())), pid);
  const client = clients.find(({ hello }) => hello.pid === chosen.pid);
  for (const other of clients) if (other !== client) other.close();
  if (client === undefined) throw new UsageError(`The ${chosen.kind} has ended.`, EXIT.network);
  return watch(client, {});
}

/** Puts the screen on one call of the agent. */
export async function attachTo(variables: Invocation['variables'], call: string): Promise<ExitCode> {
  const clients = await openAll(variables);
  const client = clients.find(({ hello }) => hello.kind === 'agent');
  for (const other of clients) if (other !== client) other.close();
  if (client === undefined) throw new UsageError('The agent has ended.', EXIT.network);
  return watch(client, { page: 'call', chosen: call });
}

/** Puts the screen on a running endpoint until the person leaves or it ends. */
export async function watch(client: ControlClient, first: Partial<View>): Promise<ExitCode> {
  checkVersion(client.hello, VERSION);
  const { openScreen } = await import('../tui/open-screen.tsx');
  const left = Promise.withResolvers<string>();
  const screen = openScreen({
    ...terminalLook(),
    first: { ...first, endsCalls: false },
    wish(wish) {
      if (wish.type === 'quit') return left.resolve('');
      if (wish.type === 'export') return screen.notice(exported(screen, wish));
      client
        .begin(wish, undefined, () => {})
        .catch((error: unknown) => screen.notice(error instanceof Error ? error.message : String(error)));
    },
  });
  guardTerminal(screen.close);
  stopOnSignals(() => left.resolve(''));
  const watching = await client.begin({ type: 'watch' }, undefined, screen.event);
  const { kind, pid } = client.hello;
  screen.notice(`The screen of ${kind} ${pid}. q leaves it; its calls go on.`);
  const last = await Promise.race([left.promise, client.closed.then(() => `The ${kind} ${pid} has ended.`)]);
  watching.end();
  restoreTerminal();
  client.close();
  if (last !== '') process.stdout.write(`${last}\n`);
  return EXIT.done;
}
