/** The screen: the frame of the model and the view, drawn again when the store says so, and the keys. */
import { useInput, useWindowSize } from 'ink';
import { useSyncExternalStore } from 'react';
import type { Look } from './call-table.ts';
import { frame, pageRows } from './frame.ts';
import { FrameView } from './frame-view.tsx';
import { keyNames } from './key-name.ts';
import type { Store } from './store.ts';
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
    for (const name of keyNames(input, key)) store.press(name, pageRows(store.view(), size));
  });
  return <FrameView lines={frame(store.model, store.view(), size, look)} size={size} theme={theme} />;
}
