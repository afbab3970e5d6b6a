/** A frame as Ink draws it: as many rows as the terminal has, none of them wrapped. */
import { Box } from 'ink';
import type { Line } from './cells.ts';
import type { Size } from './frame.ts';
import { TextLine } from './text-line.tsx';
import type { Theme } from './theme.ts';

export function FrameView({
  lines,
  size,
  theme,
}: {
  readonly lines: readonly Line[];
  readonly size: Size;
  readonly theme: Theme;
}) {
  // A row is known by its place: there are always as many.
  const rows = lines.map((line, row) => ({ line, row }));
  return (
    <Box flexDirection="column" width={size.columns} height={size.rows} overflow="hidden">
      {rows.map(({ line, row }) => (
        <TextLine key={row} line={line} theme={theme} />
      ))}
    </Box>
  );
}
