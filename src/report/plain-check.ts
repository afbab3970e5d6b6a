/**
 * The lines of `ringback doctor`: a mark, the check and what was seen; under it, for what is not good, the likely cause
 * and the next step. On a terminal a line is folded at its width and hangs under its own text; in a file or a pipe it
 * stays whole, so that grep finds it.
 */
import stringWidth from 'string-width';
import type { EventOf } from '../events.ts';
import { printable } from './printable.ts';

/** How they are written. */
export interface CheckStyle {
  /** −1: only what is not good; 0; 1 and more: the details of every check. */
  readonly level: -1 | 0 | 1 | 2;
  readonly color: boolean;
  /** Columns of the terminal; absent: lines are not folded. */
  readonly width?: number | undefined;
}

type Check = EventOf<'check.finished'>;

const MARKS: Record<Check['verdict'], string> = {
  ok: '✓',
  note: '·',
  warning: '!',
  failed: '✗',
  unknown: '?',
};
/** SGR numbers: green, yellow, red; the rest is dim. */
const COLORS: Record<Check['verdict'], number> = { ok: 32, note: 2, warning: 33, failed: 31, unknown: 2 };
/** The longest name of a check, and a space. */
const NAME_WIDTH = 16;
const INDENT = NAME_WIDTH + 2;
const LONGEST = 1_000;
const NARROWEST = 60;
const WIDEST = 200;

/** One check; undefined when this level does not show it. */
export function checkLines(event: Check, style: CheckStyle): string | undefined {
  const { verdict, check, evidence, details = [], cause, next, tookMs } = event;
  const bad = verdict === 'warning' || verdict === 'failed';
  if (style.level < 0 && !bad) return undefined;
  const took = style.level > 0 ? ` [${Math.round(tookMs)} ms]` : '';
  const head = `${printable(check).padEnd(NAME_WIDTH)}${printable(evidence, LONGEST)}${took}`;
  const more = bad || style.level > 0 ? details : [];
  const rows = [
    ...folded(head, style, INDENT),
    ...more.flatMap((row) => hanging(printable(row, LONGEST), style, '')),
    ...(cause === undefined ? [] : hanging(printable(cause, LONGEST), style, 'cause: ')),
    ...(next === undefined ? [] : hanging(printable(next, LONGEST), style, 'next: ')),
  ];
  return `${painted(MARKS[verdict], COLORS[verdict], style)} ${rows.join('\n')}`;
}

/** The verdict at the end. */
export function conclusionLines(event: EventOf<'doctor.finished'>, style: CheckStyle): string {
  const { verdict, summary, next, tookMs } = event;
  const mark = verdict === 'works' ? 'ok' : verdict === 'limited' ? 'warning' : 'failed';
  const text = printable(summary, LONGEST);
  const capital = `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  const rows = [
    ...folded(`${capital} (${(tookMs / 1_000).toFixed(1)} s)`, style, 2),
    ...(next === undefined ? [] : folded(`  next: ${printable(next, LONGEST)}`, style, 8)),
  ];
  return `${painted(MARKS[mark], COLORS[mark], style)} ${rows.join('\n')}`;
}

function painted(text: string, color: number, style: CheckStyle): string {
  if (!style.color) return text;
  return `\u001b[${color}m${text}\u001b[${color === 2 ? 22 : 39}m`;
}

/** A row under the first one, its own text hanging under itself. */
function hanging(text: string, style: CheckStyle, label: string): string[] {
  const indent = ' '.repeat(INDENT);
  return folded(`${indent}${label}${text}`, style, INDENT + label.length);
}

/** Rows of at most the terminal's width; those after the first begin with `indent` spaces. */
function folded(text: string, { width }: CheckStyle, indent: number): string[] {
  if (width === undefined) return [text];
  const most = Math.min(WIDEST, Math.max(NARROWEST, width));
  const rows: string[] = [];
  // The mark and its space stand in front of the first row of all.
  let row = '';
  let used = text.startsWith(' ') ? 0 : 2;
  for (const word of text.split(/(?<=[^ ])(?= )/)) {
    const wide = stringWidth(word);
    if (row.trim() !== '' && used + wide > most) {
      rows.push(row);
      row = `${' '.repeat(indent)}${word.trimStart()}`;
      used = stringWidth(row);
    } else {
      row += word;
      used += wide;
    }
  }
  return [...rows, row];
}
