/**
 * SIGINT, SIGTERM and a closed terminal: the first asks for a clean end (BYE, unregister), the second leaves at once,
 * because a person who presses Ctrl-C twice means it.
 */
import { EXIT, type ExitCode } from './exit-codes.ts';
import { terminalIsGone } from './terminal.ts';

/** The endpoint gives itself 5 s to stop (design, "Stopping"); after this we no longer believe it. */
export const STOP_LIMIT_MS = 6000;

const CODES = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hungUp } as const;

/** How long the last line may take when somebody wants us gone, in ms: a reader that reads takes less. */
const LAST_LINE_MS = 200;

type LastLine = (reason: string, code: ExitCode) => Promise<void>;
let lastLine: LastLine | undefined;

/** Whoever writes the output says there how it ends, when a second signal leaves no time for the end itself. */
export function beforeLeaving(say: LastLine): void {
  lastLine = say;
}

async function leave(name: string, code: ExitCode): Promise<never> {
  await Promise.race([lastLine?.(`a second signal (${name})`, code), Bun.sleep(LAST_LINE_MS)]);
  process.exit(code);
}

/**
 * Calls `stop` on the first signal; the process ends on the second. `overdue` resolves to false when time is up. With
 * `reload`, SIGHUP calls that instead, as a service expects, unless it says that the terminal is gone.
 */
export function stopOnSignals(
  stop: (reason: string) => void,
  reload?: () => void,
): { readonly overdue: Promise<false> } {
  const { promise, resolve } = Promise.withResolvers<false>();
  let asked = false;
  for (const [name, code] of Object.entries(CODES)) {
    process.on(name, () => {
      if (name === 'SIGHUP' && reload !== undefined && !terminalIsGone()) return reload();
      if (asked) return void leave(name, code);
      asked = true;
      setTimeout(() => resolve(false), STOP_LIMIT_MS).unref();
      stop(name);
    });
  }
  return { overdue: promise };
}
