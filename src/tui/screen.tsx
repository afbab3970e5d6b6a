/** The screen: the frame of the model and the view, drawn again when the store says so, and the keys. */
import { Box, useInput, useWindowSize } from 'ink';
import { useSyncExternalStore } from 'react';
import type { Look } from './call-table.ts';
import { frame, pageRows } from './frame.ts';
import { keyName } from './key-name.ts';
import type { Store } from './store.ts';
import { TextLine } from './text-line.tsx';
import type { Theme } from './theme.ts';

export function Screen({
  store,
  look,
  theme,
}: {
  readonly store: Store;
  readonly look: Look;
  readonly theme: Theme;
}) {
  const size = useWindowSize();
  useSyncExternalStore(store.subscribe, store.snapshot, store.snapshot);
  useInput((input, key) => {
    const name = keyName(input, key);
    if (name !== undefined) store.press(name, pageRows(store.view(), size));
  });
  // Each row is known by its place: the frame always has as many.
  const rows = frame(store.model, store.view(), size, look).map((line, row) => ({ line, row }));
  return (
    <Box flexDirection="column" width={size.columns} height={size.rows} overflow="hidden">
      {rows.map(({ line, row }) => (
        <TextLine key={row} line={line} theme={theme} />
      ))}
    </Box>
  );
}
