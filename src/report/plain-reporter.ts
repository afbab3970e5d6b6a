/**
 * Keeps the little that the plain lines need to remember: when the session started, for the clock on a terminal, and
 * what audio each call has.
 */
import type { Event, EventOf } from '../events.ts';
import { type PlainOptions, plainLine } from './plain.ts';

/** A function from events to lines. `clock` asks for local times in front of the lines. */
export function plainReporter(
  options: Omit<PlainOptions, 'clock'> & { readonly showTime: boolean },
): (event: Event) => string | undefined {
  const media = new Map<string, EventOf<'media.started'>>();
  let startedMs = 0;
  const clock = (atMs: number) => localTime(startedMs + atMs);
  const { showTime, ...rest } = options;
  const full: PlainOptions = showTime ? { ...rest, clock } : rest;
  return (event) => {
    if (event.type === 'session.started') startedMs = Date.parse(event.wallTime) - event.atMs;
    if (event.type === 'media.started') media.set(event.call, event);
    const shown = plainLine(event, full, media);
    if (event.type === 'call.changed' && event.to === 'terminated') media.delete(event.call);
    return shown;
  };
}

/** HH:MM:SS where the person is. */
function localTime(epochMs: number): string {
  const date = new Date(epochMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
