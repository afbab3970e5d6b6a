/**
 * The whole screen as lines: so many rows of at most so many columns, from the model and the view alone. Ink draws
 * them; a test reads them.
 */

import { orderedCalls } from './call-order.ts';
import { callPage } from './call-page.ts';
import { callLine, headerLine, type Look } from './call-table.ts';
import { cell, cutLine, type Line, lineWidth } from './cells.ts';
import { helpOf, KEYS, labelOf } from './keys.ts';
import { logLines } from './log-pane.ts';
import { eventLines, messagePage } from './message-page.ts';
import type { Model } from './model.ts';
import { topLines } from './top-lines.ts';
import { chosenCall, placeOf, type View } from './view.ts';

/** The terminal's size, in cells. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Below this nothing can be shown sensibly. */
const LEAST: Size = { columns: 40, rows: 8 };

/** What a question takes. */
const ANSWERS = 'y yes, any other key no';

/** Exactly `rows` lines; fewer on a terminal that is too small. */
export function frame(model: Model, view: View, size: Size, look: Look): Line[] {
  const { columns, rows } = size;
  if (columns < LEAST.columns || rows < LEAST.rows) return smallLines(view, size);
  const top = topLines(model, columns);
  const bottom = footer(view, columns);
  const body = bodyLines(model, view, { columns, rows: rows - top.length - 1 }, look);
  const filled = Array.from({ length: rows - top.length - 1 }, (_, row): Line => body[row] ?? []);
  return [...top, ...filled, bottom].map((line) => cutLine(line, columns));
}

/** A question is shown all the same: keys work here too, and one that is not seen holds up who wants to leave. */
function smallLines({ question }: View, { columns, rows }: Size): Line[] {
  const texts = question === undefined ? ['The terminal is too small.'] : [question.text, ANSWERS];
  return texts.slice(0, rows).map((text): Line => [{ text: cell(text, columns) }]);
}

/** How many lines the chosen pane scrolls by. */
export function pageRows(view: View, { rows }: Size): number {
  return view.page === 'main' && view.pane === 'calls'
    ? callRows(rows - 3) - 1
    : Math.max(1, Math.floor((rows - 4) / 2));
}

function bodyLines(model: Model, view: View, size: Size, look: Look): Line[] {
  if (view.help) return helpLines(view, size);
  if (view.page === 'entry' && view.opened !== undefined) {
    return eventLines(view.opened.event, { ...size, scroll: view.scroll });
  }
  const call = view.page === 'main' ? undefined : chosenCall(view, model);
  if (view.page === 'main') return mainLines(model, view, size, look);
  if (call === undefined) return [[{ text: 'This call is no longer known. Esc goes back.', style: 'dim' }]];
  const about = { ...size, chosen: Math.min(view.ladderAt, Math.max(0, call.ladder.length - 1)) };
  if (view.page === 'message') return messagePage(call, { ...about, scroll: view.scroll });
  return callPage(call, { ...about, nowMs: model.nowMs, look });
}

/** Rows of the table of calls, its titles among them. */
function callRows(rows: number): number {
  return Math.max(4, Math.floor(rows * 0.5));
}

function mainLines(model: Model, view: View, { columns, rows }: Size, look: Look): Line[] {
  const calls = orderedCalls(model, view.order, view.callsFilter);
  const table = callRows(rows);
  const chosen = chosenCall(view, model);
  const place = chosen === undefined ? 0 : Math.max(0, calls.indexOf(chosen));
  const room = table - 1;
  // The chosen one stays in sight, and the table does not move more than it has to.
  const first = Math.max(0, Math.min(place - Math.floor(room / 2), calls.length - room));
  const { nowMs } = model;
  const lines = calls
    .slice(first, first + room)
    .map((call) =>
      callLine(call, { nowMs, columns, look, selected: call === chosen && view.pane === 'calls' }),
    );
  const empty: Line[] = calls.length > 0 ? [] : [[{ text: emptyText(model, view), style: 'dim' }]];
  const filled = Array.from({ length: room }, (_, row): Line => [...lines, ...empty][row] ?? []);
  const log = logLines(model, view, columns, Math.max(0, rows - table - 1));
  return [headerLine(columns), ...filled, divider(view, columns, look, calls.length, first, room), ...log];
}

function emptyText(model: Model, view: View): string {
  if (view.callsFilter !== '') return `No call has "${view.callsFilter}" in it; Esc clears the filter.`;
  return model.stopped === undefined
    ? 'No calls yet. Call this service, or press c to place a call.'
    : 'Stopped.';
}

/** Between the table and the log: what both show. */
function divider(
  view: View,
  columns: number,
  { ascii }: Look,
  count: number,
  first: number,
  room: number,
): Line {
  const rule = ascii ? '-' : '─';
  const parts = [`by ${view.order}`];
  if (view.callsFilter !== '') parts.push(`calls with "${view.callsFilter}"`);
  if (count > room) parts.push(`${first + 1} to ${Math.min(first + room, count)} of ${count}`);
  const log = [`log: ${view.kind}`];
  if (view.logFilter !== '') log.push(`with "${view.logFilter}"`);
  log.push(view.logAt === undefined ? 'follows' : 'stands');
  const text = `${rule}${rule} ${parts.join(', ')} ${rule}${rule} ${log.join(', ')} `;
  return [
    { text: cell(text, Math.min(columns, text.length)), style: 'dim' },
    { text: rule.repeat(Math.max(0, columns - text.length)), style: 'dim' },
  ];
}

const PROMPTS: Readonly<Record<NonNullable<View['prompt']>['kind'], string>> = {
  call: 'Call (sip:user@host)',
  'calls filter': 'Filter',
  'log filter': 'Filter',
  export: 'Export to (.md, .txt, .pcap)',
};

/** What may be pressed now; a question, a prompt or a notice in its place. */
function footer(view: View, columns: number): Line {
  if (view.question !== undefined) {
    return [
      { text: ` ${view.question.text} `, style: 'warn' },
      { text: ANSWERS, style: 'bold' },
    ];
  }
  if (view.prompt !== undefined) {
    const label = PROMPTS[view.prompt.kind];
    return [
      { text: ` ${label}: `, style: 'accent' },
      { text: `${cell(view.prompt.text, Math.max(1, columns - label.length - 6)).trimEnd()}_` },
    ];
  }
  if (view.notice !== undefined) return [{ text: ` ${view.notice}`, style: 'accent' }];
  if (view.help) return [{ text: ' any key goes back', style: 'dim' }];
  const place = placeOf(view);
  const paused: Line = view.paused ? [{ text: ' PAUSED ', style: 'warn' }] : [];
  const here = KEYS.filter(
    ({ short, places }) => short !== undefined && (places?.includes(place) ?? true),
  ).map((key) => ({
    key,
    line: [
      { text: ` ${labelOf(key).split(',')[0]} `, style: 'accent' },
      { text: key.short ?? '' },
    ] satisfies Line,
  }));
  // On a narrow terminal the help and the way out stay; the help has the others.
  let left = columns - lineWidth(paused);
  const least = here.filter(({ key: { command } }) => command === 'help' || command === 'quit');
  for (const { line } of least) left -= lineWidth(line);
  const shown = here.filter((one) => {
    if (least.includes(one)) return true;
    left -= lineWidth(one.line);
    return left >= 0;
  });
  return [...paused, ...shown.flatMap(({ line }) => line)];
}

/** The keys; without their title where there is no room for it. */
function helpLines({ endsCalls }: View, { columns, rows: room }: Size): Line[] {
  const rows = KEYS.map(
    (key): Line => [
      { text: `  ${cell(labelOf(key), 14)}`, style: 'accent' },
      { text: cell(helpOf(key, endsCalls), Math.max(10, columns - 18)) },
    ],
  );
  return room < rows.length + 2 ? rows : [[{ text: '  Keys', style: 'bold' }], [], ...rows];
}
