/** A row of small bars, newest at the right: how a figure went over the last half minute. */
const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const ASCII_BARS = ['_', '.', ':', '-', '=', '+', '*', '#'] as const;

/**
 * So many columns of bars, each the mean of the values that fall into it; 0 is the lowest bar, `top` and more the
 * highest. Fewer values than columns stand at the right.
 */
export function sparkline(values: readonly number[], columns: number, top: number, ascii = false): string {
  const bars = ascii ? ASCII_BARS : BARS;
  const share = Math.max(1, Math.ceil(values.length / Math.max(1, columns)));
  let line = '';
  for (let end = values.length; end > 0; end -= share) {
    const part = values.slice(Math.max(0, end - share), end);
    const mean = part.reduce((sum, value) => sum + value, 0) / part.length;
    const place = Math.min(bars.length - 1, Math.round((mean / top) * (bars.length - 1)));
    line = bars[Math.max(0, place)] + line;
  }
  return line.padStart(columns);
}
