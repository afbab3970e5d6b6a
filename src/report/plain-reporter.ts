/**
 * Keeps the little that the plain lines need to remember: when the session started, for the clock on a terminal, what
 * audio each call has, and which messages are keepalives, two lines every half minute that nobody wants to read.
 */
import type { Event, EventOf } from '../events.ts';
import { type PlainOptions, plainLine } from './plain.ts';

/** A function from events to lines. `clock` asks for local times in front of the lines. */
export function plainReporter(
  options: Omit<PlainOptions, 'clock'> & { readonly showTime: boolean },
): (event: Event) => string | undefined {
  const media = new Map<string, EventOf<'media.started'>>();
  const isKeepalive = keepaliveFilter();
  let startedMs = 0;
  const clock = (atMs: number) => localTime(startedMs + atMs);
  const { showTime, ...rest } = options;
  const full: PlainOptions = showTime ? { ...rest, clock } : rest;
  return (event) => {
    if (event.type === 'session.started') startedMs = Date.parse(event.wallTime) - event.atMs;
    if (event.type === 'media.started') media.set(event.call, event);
    if (options.style === 'service' && options.level < 1 && isKeepalive(event)) return undefined;
    const shown = plainLine(event, full, media);
    if (event.type === 'call.changed' && event.to === 'terminated') media.delete(event.call);
    return shown;
  };
}

/** Call-IDs of keepalives that are remembered: one a flow. */
const MAX_KEEPALIVES = 256;

/** OPTIONS of ours to a domain, outside of calls, and what comes back. */
export function keepaliveFilter(): (event: Event) => boolean {
  const callIds = new Set<string>();
  return (event) => {
    if (event.type !== 'sip.sent' && event.type !== 'sip.received') return false;
    const { type, call, callId, startLine } = event;
    if (call !== undefined || callId === undefined) return false;
    if (type === 'sip.sent' && /^OPTIONS sips?:[^@\s]+ /.test(startLine)) {
      if (callIds.size >= MAX_KEEPALIVES) callIds.clear();
      callIds.add(callId);
    }
    return callIds.has(callId);
  };
}

/** HH:MM:SS where the person is. */
function localTime(epochMs: number): string {
  const date = new Date(epochMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
