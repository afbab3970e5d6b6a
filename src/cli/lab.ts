/**
 * One lab command from its start to its exit code: a carrier, a transcript, signals, and a bound on every wait.
 *
 * Ctrl-C asks for what undoes the thing (a CANCEL, an unregistration) and shows it happen; twice leaves at once.
 */
import { AgentError } from '../agent/agent-error.ts';
import type { Seed, Task } from '../agent/control-message.ts';
import type { Event } from '../events.ts';
import type { Carrier, OpenCarrier } from './carrier.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import type { Options } from './options.ts';
import type { Judge, Outcome } from './outcome.ts';
import { stopOnSignals } from './signals.ts';
import { openTranscript, type Transcript } from './transcript.ts';
import { UsageError } from './usage-error.ts';

/** A thing to do and to wait for. */
export interface Step {
  readonly task: Task;
  readonly judge: Judge;
  /** What is waited for, in words, and how long at most, in ms; no bound when a person decides. */
  readonly awaited: string;
  readonly limitMs?: number;
  /** What undoes it when a person presses Ctrl-C, out of what is known by then. */
  readonly undo: (seen: readonly Event[]) => Task | undefined;
}

/** A command at work. */
export interface Lab {
  readonly carrier: Carrier;
  readonly transcript: Transcript;
  /** Does it; the outcome is that of the judge, or of the clock, or of Ctrl-C. */
  follow(step: Step): Promise<Outcome>;
}

/** How long undoing may take, in ms; the endpoint gives itself 5 s. */
const UNDO_MS = 6_000;

/** How long the other side has to answer before an endpoint of ours is told to end, in ms. */
const PATIENCE_MS = 1_000;

/** Undoing that takes longer than this, in ms, is said: a command that does not react looks dead. */
const QUIET_MS = 500;
const TAKING_BACK = 'Taking it back; Ctrl-C once more leaves at once.';

/** What is diagnosed of a failure comes in the same turn, and so together with it, in ms. */
const DIAGNOSIS_MS = 20;

/** Opens a carrier, runs the command, and ends with its outcome, whatever goes wrong on the way. */
export async function runLab(
  invocation: Invocation,
  options: Options,
  open: OpenCarrier,
  work: (lab: Lab) => Promise<Outcome>,
): Promise<number> {
  const transcript = openTranscript(options);
  for (const warning of options.warnings) transcript.warn(warning);
  const interrupted = Promise.withResolvers<void>();
  stopOnSignals(() => interrupted.resolve());
  let outcome: Outcome;
  let carrier: Carrier | undefined;
  try {
    carrier = await open(transcript);
    const follow = follower(carrier, transcript, seedOf(invocation, options), interrupted.promise);
    outcome = await work({ carrier, transcript, follow });
  } catch (error) {
    if (!(error instanceof AgentError || error instanceof UsageError)) throw error;
    transcript.warn(error.message);
    outcome = { code: error.exitCode as ExitCode, reason: error.message };
  }
  // An endpoint that does not end by itself is left behind with the process.
  if (carrier !== undefined) await Promise.race([carrier.close(), Bun.sleep(UNDO_MS)]);
  await transcript.close(outcome.code, outcome.reason);
  return outcome.code;
}

/** The seed goes with what is begun, because the agent has been running for a while. */
function seedOf({ flags }: Invocation, { seed }: Options): Seed | undefined {
  return flags.has('seed') ? [...seed] : undefined;
}

/** The outcome of what Ctrl-C asked for; undefined, and `silent`, when the other side says nothing to it for too long. */
async function undoing(
  carrier: Carrier,
  decided: Promise<Outcome>,
  patienceMs: number,
  silent: () => void,
): Promise<Outcome | undefined> {
  if (carrier.own === true) {
    const soon = await Promise.race([decided, Bun.sleep(patienceMs).then(() => undefined)]);
    if (soon !== undefined) return soon;
    // The endpoint ends what it has within its own time, answered or not, and says so.
    carrier.close();
  }
  const last = await Promise.race([decided, Bun.sleep(UNDO_MS).then(() => undefined)]);
  if (last === undefined && carrier.own !== true) silent();
  return last;
}

/** What `Lab.follow` does; the seed goes with the first step. */
export function follower(
  carrier: Carrier,
  transcript: Pick<Transcript, 'event' | 'warn'>,
  seed: Seed | undefined,
  interrupted: Promise<void>,
  patienceMs = PATIENCE_MS,
): Lab['follow'] {
  let first = seed;
  return async ({ task, judge, awaited, limitMs, undo }) => {
    const seen: Event[] = [];
    const decided = Promise.withResolvers<Outcome>();
    let over = false;
    let failed = false;
    const once = first;
    first = undefined;
    const exchange = await carrier.begin(task, once, (event) => {
      if (over) return;
      // Of what failed, the reason is still worth a line.
      if (failed && event.type !== 'diagnosis.raised') return;
      // Enough to know the handle and the state by.
      if (event.type === 'call.changed' || event.type === 'registration.changed') seen.push(event);
      transcript.event(event);
      const outcome = judge.take(event);
      if (outcome === undefined) return;
      if (outcome.code === EXIT.done) over = true;
      else failed = true;
      decided.resolve(outcome);
    });
    let reminder: ReturnType<typeof setTimeout> | undefined;
    const undone = interrupted.then(async (): Promise<Outcome> => {
      const stood = judge.stands();
      if (!over) reminder = setTimeout(() => transcript.warn(TAKING_BACK), QUIET_MS);
      const back = over || failed ? undefined : undo(seen);
      if (back !== undefined) await carrier.begin(back, undefined, () => {});
      const last = await undoing(carrier, decided.promise, patienceMs, () =>
        transcript.warn(
          `Waited ${UNDO_MS / 1000} s for ${awaited}, and nothing came; the agent goes on with it (ringback status).`,
        ),
      );
      return stood && last !== undefined ? last : { code: EXIT.interrupted, reason: 'interrupted' };
    });
    let leaving = false;
    interrupted.then(() => {
      leaving = true;
    });
    const gone = carrier.closed.then((): Promise<Outcome> => {
      if (leaving && carrier.own === true) return undone;
      throw new AgentError(`The agent ended in the middle of it, while ${awaited} was awaited.`);
    });
    const waits: Promise<Outcome>[] = [decided.promise, undone, gone];
    let timer: ReturnType<typeof setTimeout> | undefined;
    if (limitMs !== undefined) {
      const reason = `Waited ${limitMs / 1000} s for ${awaited}, and nothing came.`;
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      timer = setTimeout(() => {
        transcript.warn(reason);
        resolve({ code: EXIT.timeout, reason });
      }, limitMs);
      waits.push(promise);
    }
    try {
      const outcome = await Promise.race(waits);
      if (failed) await Bun.sleep(DIAGNOSIS_MS);
      return outcome;
    } finally {
      over = true;
      clearTimeout(timer);
      clearTimeout(reminder);
      for (const each of [undone, gone]) each.catch(() => {});
      exchange.end();
    }
  };
}
