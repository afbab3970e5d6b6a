/** Commands about a call that stands: who holds it, the agent or an echo, is found by asking each. */
import { join } from 'node:path';
import { AgentError } from '../agent/agent-error.ts';
import { type ControlClient, checkVersion } from '../agent/control-client.ts';
import type { Task } from '../agent/control-message.ts';
import { describeLost, LEDGER, readLedger } from '../agent/ledger.ts';
import { openAll, together } from './carrier.ts';
import { controlFolder } from './control-folder.ts';
import { EXIT } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { runLab } from './lab.ts';
import { readOptions } from './options.ts';
import type { Judge } from './outcome.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

/** The answer to a BYE or a re-INVITE: 64·T1 and a little (RFC 3261 §17.1.2.2), in ms. */
const LIMIT_MS = 40_000;

/** The flag `--call-id`, checked. Throws a `UsageError` when it is not given. */
export function callId({ flags }: Invocation, command: string): string {
  const call = flags.get('call-id')?.text;
  if (call === undefined) throw new UsageError(`ringback ${command} needs --call-id; see: ringback status`);
  return call;
}

/** Does something with one call, and prints what comes of it. */
export function onHeldCall(invocation: Invocation, call: string, task: Task, judge: Judge): Promise<number> {
  const options = readOptions(invocation.flags, invocation, 'udp');
  const open = async () => together([await holderOf(call, invocation)]);
  return runLab(invocation, options, open, ({ follow }) =>
    follow({ task, judge, awaited: `the other side of ${call}`, limitMs: LIMIT_MS, undo: () => undefined }),
  );
}

/** Does something with every call there is. */
export async function onAllCalls(
  invocation: Invocation,
  task: Task,
  judgeOf: (calls: readonly string[]) => Judge,
): Promise<number> {
  const options = readOptions(invocation.flags, invocation, 'udp');
  const clients = await openAll(invocation.variables);
  const held = await Promise.all(clients.map((client) => handlesOf(client)));
  const calls = held.flat();
  return runLab(
    invocation,
    options,
    async () => together(clients),
    async ({ transcript, follow }) => {
      if (calls.length > 0) {
        const judge = judgeOf(calls);
        return follow({ task, judge, awaited: 'the other sides', limitMs: LIMIT_MS, undo: () => undefined });
      }
      transcript.say('There are no calls.');
      return { code: EXIT.done, reason: 'there are no calls' };
    },
  );
}

async function handlesOf(client: ControlClient): Promise<readonly string[]> {
  checkVersion(client.hello, VERSION);
  return (await client.status()).calls.map(({ call }) => call);
}

async function holderOf(call: string, { variables }: Invocation): Promise<ControlClient> {
  const clients = await openAll(variables);
  const all: string[] = [];
  let holder: ControlClient | undefined;
  for (const client of clients) {
    const handles = await handlesOf(client);
    all.push(...handles);
    // The agent is asked first: an echo may have a call of the same handle, as the other side of it.
    if (holder === undefined && handles.includes(call)) holder = client;
    else client.close();
  }
  if (holder !== undefined) return holder;
  const lost = clients.length > 0 ? undefined : readLedger(join(controlFolder(variables), LEDGER));
  if (lost !== undefined) throw new AgentError(describeLost(lost), EXIT.usage);
  const what = all.length === 0 ? 'there are no calls' : `the calls are ${all.join(', ')}`;
  throw new AgentError(`There is no call ${call}; ${what}.`, EXIT.usage);
}
