/** Which events of a ping are printed, now or in a replay of its trace. */
import type { Event } from '../events.ts';
import type { Options } from './options.ts';

/** At the normal level the pings speak for themselves; -v shows their messages. */
const SPEAKING: ReadonlySet<Event['type']> = new Set([
  'ping.answered',
  'ping.finished',
  'diagnosis.raised',
  'session.stopped',
] as const);

/** A function that gives what is to be printed of an event. It remembers what was said of the other side's abilities. */
export function shownOfPings({
  output,
  verbosity,
}: Pick<Options, 'output' | 'verbosity'>): (event: Event) => Event | undefined {
  let known = '';
  return (event) => {
    if (output === 'json') return event;
    if (verbosity < 1 && !SPEAKING.has(event.type)) return undefined;
    if (event.type !== 'ping.answered') return event;
    // A person reads what it supports once, a program with every answer.
    const { allow, supported, accept, ...rest } = event;
    const abilities = JSON.stringify([allow, supported, accept]);
    if (abilities === known) return rest;
    known = abilities;
    return event;
  };
}
