/** One entry of a ladder in full: the message as it was, credentials masked, or every field of another event. */
import type { Event } from '../events.ts';
import type { CallFacts } from './call-facts.ts';
import { cell, type Line, wrapped } from './cells.ts';

/** The rows from `scroll` on. `chosen` counts from the newest entry. */
export function messagePage(
  call: CallFacts,
  about: {
    readonly columns: number;
    readonly rows: number;
    readonly chosen: number;
    readonly scroll: number;
  },
): Line[] {
  const entry = call.ladder.at(call.ladder.length - 1 - about.chosen);
  if (entry === undefined) return [[{ text: 'This entry is gone.', style: 'dim' }]];
  return eventLines(entry.event, about);
}

/** One event in full: the message, or every field; the rows from `scroll` on. */
export function eventLines(
  event: Event,
  about: { readonly columns: number; readonly rows: number; readonly scroll: number },
): Line[] {
  const head: Line[] =
    event.type === 'sip.sent' || event.type === 'sip.received'
      ? [
          [
            { text: event.type === 'sip.sent' ? 'sent to ' : 'received from ', style: 'dim' },
            { text: `${event.transport} ${cell(event.remote, 50).trimEnd()}` },
            { text: `, ${event.bytes} bytes`, style: 'dim' },
          ],
          [],
        ]
      : [];
  const raw = 'raw' in event ? event.raw : undefined;
  const text =
    raw === undefined
      ? Object.entries(event).map(([name, value]) => `${name}: ${String(value)}`)
      : raw.replace(/(\r?\n)+$/, '').split(/\r?\n/);
  const body = text.flatMap((row) => wrapped(row, about.columns)).map((row): Line => [{ text: row }]);
  const from = Math.max(0, Math.min(about.scroll, body.length - 1));
  return [...head, ...body.slice(from)].slice(0, about.rows);
}
