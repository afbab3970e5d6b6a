/**
 * `ringback register`: hands an account to the agent, which keeps it registered, and prints what the registrar said.
 * `--remove` takes it back; `--foreground` keeps it in this process until Ctrl-C.
 */

import type { Account } from '../sip/endpoint-config.ts';
import { carrierFor } from './carrier.ts';
import { EXIT } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { runLab, type Step } from './lab.ts';
import { readOptions } from './options.ts';
import { judgeRegistration, judgeRemoval, type Outcome } from './outcome.ts';
import { UsageError } from './usage-error.ts';

/** Two addresses of the registrar that say nothing, each for 64·T1 (RFC 3261 §17.1.2.2), and a challenge. */
const LIMIT_MS = 120_000;

export async function run(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  if (flags.has('remove')) return remove(invocation);
  const options = readOptions(flags, invocation, 'udp');
  if (options.accounts.length === 0) {
    throw new UsageError('ringback register needs --user and --server (or an [[account]] in --config).');
  }
  const { accounts } = options;
  const foreground = flags.has('foreground');
  return runLab(invocation, options, carrierFor(invocation, options), async (lab) => {
    // Side by side when they stay, one after the other when a person reads along.
    if (foreground)
      return worst(await Promise.all(accounts.map((one) => lab.follow(registration(one, true)))));
    let outcome: Outcome = { code: EXIT.done, reason: 'registered' };
    for (const account of accounts) {
      outcome = await lab.follow(registration(account, false));
      if (outcome.code !== EXIT.done) break;
    }
    return outcome;
  });
}

function worst(outcomes: readonly Outcome[]): Outcome {
  const bad = outcomes.find(({ code }) => code !== EXIT.done);
  return bad ?? { code: EXIT.done, reason: 'unregistered' };
}

function registration(account: Account, whole: boolean): Step {
  return {
    task: { type: 'add-account', account },
    judge: judgeRegistration(whole),
    awaited: `the registrar ${account.server.host}`,
    ...(whole ? {} : { limitMs: LIMIT_MS }),
    undo: () => ({ type: 'remove-account', account: account.addressOfRecord }),
  };
}

function removal(account: string): Step {
  return {
    task: { type: 'remove-account', account },
    judge: judgeRemoval(),
    awaited: 'the registrar',
    limitMs: LIMIT_MS,
    undo: () => undefined,
  };
}

async function remove(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const [user, domain] = [flags.get('user')?.text, flags.get('domain')?.text];
  if (user === undefined) throw new UsageError('ringback register --remove needs --user: who is to go?');
  // The password is the agent's, and so is the server: whoever is removed is known by the address alone.
  const rest = new Map(
    [...flags].filter(([name]) => !['user', 'domain', 'server', 'password'].includes(name)),
  );
  const options = readOptions(rest, { ...invocation, variables: {}, takes: [] }, 'udp');
  const account = domain === undefined || user.includes('@') ? user : `${user}@${domain}`;
  return runLab(invocation, options, carrierFor(invocation, options), (lab) => lab.follow(removal(account)));
}
