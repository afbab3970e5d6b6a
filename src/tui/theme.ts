/** How a style looks: one accent, red and yellow for trouble alone; without colours, bold and dim have to do. */
import type { TextProps } from 'ink';
import type { Style } from './cells.ts';

export type Theme = Readonly<Record<Style, Omit<TextProps, 'children'>>>;

const COLORS: Theme = {
  accent: { color: 'cyan' },
  dim: { dimColor: true },
  bold: { bold: true },
  good: { color: 'cyan' },
  warn: { color: 'yellow' },
  bad: { color: 'red', bold: true },
  selected: { inverse: true },
};

const PLAIN: Theme = {
  accent: {},
  dim: {},
  bold: { bold: true },
  good: {},
  warn: { bold: true },
  bad: { bold: true, underline: true },
  selected: { inverse: true },
};

/** With colours, or without (no-color.org). */
export function theme(colors: boolean): Theme {
  return colors ? COLORS : PLAIN;
}
