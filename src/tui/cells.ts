/**
 * Text in cells of a fixed width, measured as a terminal measures it: a Chinese character takes two columns, a
 * combining accent none (Unicode Standard Annex #11). What strangers wrote is made harmless first.
 */
import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';
import { printable } from '../report/printable.ts';

/** A piece of a line in one style. */
export interface Segment {
  readonly text: string;
  readonly style?: Style;
}

/** What a style means; theme.ts says how it looks. */
export type Style = 'accent' | 'dim' | 'bold' | 'good' | 'warn' | 'bad' | 'selected';

/** A line: its segments, left to right. */
export type Line = readonly Segment[];

/** Characters of one text that are spread over several rows: a line of a message is seldom longer. */
const MAX_WRAPPED = 4000;

/** Columns that a text takes. */
export function width(text: string): number {
  return stringWidth(text);
}

/** Columns that a line takes. */
export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + width(text), 0);
}

/** The text in exactly so many columns, cut with an ellipsis or filled with spaces; made harmless. */
export function cell(
  text: string,
  columns: number,
  align: 'left' | 'right' = 'left',
  ellipsis = '…',
): string {
  if (columns <= 0) return '';
  const shown = cut(printable(text, 4 * columns + 8), columns, ellipsis);
  const fill = ' '.repeat(Math.max(0, columns - width(shown)));
  return align === 'left' ? shown + fill : fill + shown;
}

function cut(text: string, columns: number, ellipsis: string): string {
  if (width(text) <= columns) return text;
  return cliTruncate(text, columns, { truncationCharacter: columns > 2 ? ellipsis : '' });
}

/** The text in rows of at most so many columns, broken at spaces where there are any; made harmless. */
export function wrapped(text: string, columns: number): string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of printable(text, MAX_WRAPPED).split(' ')) {
    const longer = row === '' ? word : `${row} ${word}`;
    if (width(longer) <= columns) {
      row = longer;
      continue;
    }
    if (row !== '') rows.push(row);
    row = word;
    while (width(row) > columns) {
      const head = cut(row, columns, '');
      if (head === '') break;
      rows.push(head);
      row = row.slice(head.length);
    }
  }
  return [...rows, row];
}

/** A line cut at so many columns, and made harmless whatever it was made of. */
export function cutLine(line: Line, columns: number): Line {
  const cutTo: Segment[] = [];
  let left = columns;
  for (const segment of line) {
    if (left <= 0) break;
    const text = printable(segment.text, 4 * columns + 8);
    const wide = width(text);
    cutTo.push({ ...segment, text: wide <= left ? text : cell(text, left) });
    left -= Math.min(wide, left);
  }
  return cutTo;
}

/** Text to the left, text to the right, spaces between; the right one goes first when there is no room. */
export function justify(left: Line, right: Line, columns: number): Line {
  const gap = columns - lineWidth(left) - lineWidth(right);
  if (gap < 1) return cutLine(left, columns);
  return [...left, { text: ' '.repeat(gap) }, ...right];
}

/** `7 s`, `4:05`, `2:03:09`: it grows to the left, in a right-aligned cell. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
