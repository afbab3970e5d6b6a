/** The log's lines: the last that fit, or those that end where the person scrolled to. */
import { cell, type Line, type Segment } from './cells.ts';
import { describeEvent } from './log-line.ts';
import type { LogEntry, Model } from './model.ts';
import { shownLog, type View } from './view.ts';

/** Of the time and of the call in front of a line. */
const TIME_WIDTH = 12;
const CALL_WIDTH = 20;

/** So many lines, fewer while the log is short. */
export function logLines(model: Model, view: View, columns: number, rows: number): Line[] {
  const shown = shownLog(view, model);
  const { logAt } = view;
  const end = logAt === undefined ? shown.length : shown.findLastIndex(({ number }) => number <= logAt) + 1;
  const focused = view.pane === 'log' && view.page === 'main';
  return shown.slice(Math.max(0, end - rows), Math.max(end, Math.min(rows, shown.length))).map((entry) => {
    const chosen = focused && logAt !== undefined && entry === shown[end - 1];
    return logLine(entry, model, columns, chosen);
  });
}

function logLine({ event }: LogEntry, model: Model, columns: number, chosen: boolean): Line {
  const { mark, text, style } = describeEvent(event);
  const call = 'call' in event && event.call !== undefined ? event.call : '';
  const wide = columns >= 100;
  const head: Segment[] = [
    { text: `${timeOf(event.atMs, model.startedWallMs)} `, style: 'dim' },
    { text: `${cell(mark.text, 4)} `, ...(mark.style === undefined ? {} : { style: mark.style }) },
    ...(wide ? [{ text: `${cell(call, CALL_WIDTH)} `, style: 'dim' as const }] : []),
  ];
  const left = columns - TIME_WIDTH - 1 - 5 - (wide ? CALL_WIDTH + 1 : 0);
  const shown = cell(text, left);
  if (chosen)
    return [
      ...head.map(({ text: part }) => ({ text: part, style: 'selected' as const })),
      { text: shown, style: 'selected' },
    ];
  return [...head, { text: shown, ...(style === undefined ? {} : { style }) }];
}

/** HH:MM:SS.mmm where the person is; seconds from the start while that is not known. Twelve columns. */
export function timeOf(atMs: number, startedWallMs: number | undefined): string {
  if (startedWallMs === undefined) return (atMs / 1000).toFixed(3).padStart(TIME_WIDTH);
  const date = new Date(startedWallMs + atMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
