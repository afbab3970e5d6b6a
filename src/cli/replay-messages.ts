/**
 * `ringback replay` of messages that somebody else wrote down: the observer's events (sip/observer.ts), printed one
 * exchange after the other, each with its explanation; or all in order with --json.
 */
import { EVENT_VERSION, type Event } from '../events.ts';
import { exchangeFinder } from '../report/exchange.ts';
import { exchangeTitle, explanation } from '../report/explanation.ts';
import { jsonLine } from '../report/json.ts';
import { plainReporter } from '../report/plain-reporter.ts';
import { storyTeller } from '../report/story.ts';
import type { ObservedMessage } from '../sip/observed-message.ts';
import { type ObservedEvent, observe } from '../sip/observer.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Options } from './options.ts';
import { withoutRaw } from './output.ts';

/** Prints what the messages tell; 1 when one of them was malformed. */
export function tellMessages(
  messages: readonly ObservedMessage[],
  endMs: number | undefined,
  options: Pick<Options, 'output' | 'verbosity' | 'rawMessages'>,
  color: boolean,
  write: (line: string) => void,
): { readonly exitCode: ExitCode; readonly events: readonly Event[] } {
  const events = observe(messages, endMs).map(numbered);
  const shown = (event: Event) => (options.rawMessages ? event : withoutRaw(event));
  if (options.output === 'json') for (const event of events) write(jsonLine(shown(event)));
  else tellPlain(events, shown, options, color, write);
  const malformed = events.some(({ type }) => type === 'sip.rejected');
  return { exitCode: malformed ? EXIT.internal : EXIT.done, events };
}

function numbered({ atMs, event }: ObservedEvent, index: number): Event {
  return { v: EVENT_VERSION, seq: index + 1, atMs: Math.round(atMs * 10) / 10, ...event };
}

function tellPlain(
  events: readonly Event[],
  shown: (event: Event) => Event,
  { verbosity }: Pick<Options, 'verbosity'>,
  color: boolean,
  write: (line: string) => void,
): void {
  const { groups, loose } = grouped(events);
  const reporter = () => plainReporter({ level: verbosity, style: 'transcript', color, showTime: false });
  let first = true;
  const section = (title: string | undefined, own: readonly Event[], below: readonly string[]) => {
    if (!first) write('');
    first = false;
    if (title !== undefined && verbosity >= 0) write(title);
    const report = reporter();
    for (const event of own) {
      const line = report(shown(event));
      if (line !== undefined) write(line);
    }
    if (verbosity >= 0) for (const line of below) write(line);
  };
  for (const own of groups) {
    const teller = storyTeller();
    for (const event of own) teller.event(event);
    const told = teller.tell().exchanges[0];
    if (told !== undefined) section(exchangeTitle(told), own, explanation(told));
  }
  if (loose.length > 0) section(undefined, loose, []);
}

/** The events of each exchange together, in the order in which the exchanges began. */
function grouped(events: readonly Event[]): {
  readonly groups: readonly Event[][];
  readonly loose: readonly Event[];
} {
  const find = exchangeFinder();
  const groups = new Map<string, Event[]>();
  const loose: Event[] = [];
  let waiting: Event[] = [];
  for (const event of events) {
    const exchange = find(event);
    if (exchange === 'next') waiting.push(event);
    else if (exchange === undefined) loose.push(event);
    else {
      const own = groups.get(exchange.key) ?? [];
      groups.set(exchange.key, own);
      own.push(...waiting, event);
      waiting = [];
    }
  }
  return { groups: [...groups.values()], loose };
}
