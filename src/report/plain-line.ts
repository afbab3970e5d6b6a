/** The pieces of a line of the plain report. */
import { printable } from './printable.ts';

/** One line of the plain report before it is laid out. */
export interface Line {
  /** The least verbosity that shows it: −1 always, 0 normally, 1 with -v, 2 with -vv. */
  readonly level: -1 | 0 | 1 | 2;
  readonly tag: string;
  readonly text: string;
  /** Lines under it, indented. */
  readonly more?: readonly string[];
}

/** A line of one row. */
export function line(level: Line['level'], tag: string, text: string): Line {
  return { level, tag, text };
}

/** `192.0.2.1:5060`, `[2001:db8::1]:5060`. An address in a trace is whatever stands in that file. */
export function at(address: string, port: number): string {
  const shown = printable(address);
  return `${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
