/**
 * The screen as an output: events go to it, and what its keys ask for becomes the same actions that stdin and the
 * control socket take. It stands where a person and a terminal are, unless another output was asked for.
 */
import type { Action } from '../sip/endpoint-io.ts';
import type { OpenScreen } from '../tui/open-screen.tsx';
import type { Wish } from '../tui/view.ts';
import { exportCall } from './export-call.ts';
import type { Invocation } from './invocation.ts';
import { lastWords } from './last-words.ts';
import type { Options } from './options.ts';
import { type Output, wantsColor } from './output.ts';
import { openRecords } from './records.ts';
import { guardTerminal, restoreTerminal } from './terminal-guard.ts';

/** The options for the screen, when this is a terminal and neither --json nor --plain was given. */
export function onScreen({ flags, variables }: Invocation, options: Options): Options {
  const asked = flags.has('json') || flags.has('plain') || flags.has('quiet');
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true && variables.TERM !== 'dumb';
  return asked || !terminal ? options : { ...options, output: 'screen', rawMessages: true };
}

/**
 * Opens it. `act` is told what the keys ask for. What draws is loaded here and not before: it is two thirds of the
 * program's modules and most of its heap, which every collection would walk through in a service without a screen.
 */
export async function openScreenOutput(options: Options, act: (action: Action) => void): Promise<Output> {
  const { openScreen } = await import('../tui/open-screen.tsx');
  const said: string[] = [];
  const screen = openScreen({
    ...terminalLook(),
    wish: (wish) => {
      if (wish.type === 'export') return screen.notice(exported(screen, wish));
      if (wish.type !== 'quit') return act(wish);
      screen.notice('Ending all calls and leaving, at most 5 s.');
      act({ type: 'stop', reason: 'asked at the screen' });
    },
  });
  guardTerminal(screen.close);
  const warn = (sentence: string) => {
    said.push(sentence);
    screen.notice(sentence);
  };
  const records = openRecords(options, 'service', warn);
  const last = lastWords();
  return {
    ...(records.tap === undefined ? {} : { tap: records.tap }),
    event(event) {
      records.event(event);
      last.event(event);
      screen.event(event);
    },
    say: screen.notice,
    warn,
    async close() {
      await records.close();
      restoreTerminal();
      // What was said on the screen is gone with it.
      for (const sentence of [...said, ...last.lines()]) process.stderr.write(`${sentence}\n`);
    },
  };
}

/** Colours as the environment wants them, and plain ASCII where it does not speak UTF-8. */
export function terminalLook(): { readonly colors: boolean; readonly ascii: boolean } {
  const { LC_ALL, LC_CTYPE, LANG } = process.env;
  return {
    colors: wantsColor(true, process.env),
    ascii: !/utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || 'utf-8'),
  };
}

/** Writes a call to a file, and says how it went. */
export function exported(screen: OpenScreen, { call, file }: Extract<Wish, { type: 'export' }>): string {
  const known = screen.known(call);
  return known === undefined ? 'This call is no longer known.' : exportCall(known, file);
}
