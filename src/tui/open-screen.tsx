/**
 * Puts the screen on a terminal and takes it off again. The alternate screen is left on every way out: Ink does it
 * at exit, and whoever closes the screen before printing a last line.
 */
import { render } from 'ink';
import type { Event } from '../events.ts';
import { Screen } from './screen.tsx';
import { FRAME_MS, openStore } from './store.ts';
import { theme } from './theme.ts';
import type { View, Wish } from './view.ts';

export interface OpenScreen {
  readonly event: (event: Event) => void;
  /** A sentence in the last line, until the next key. */
  readonly notice: (sentence: string) => void;
  /** Restores the terminal. */
  readonly close: () => void;
}

export interface ScreenOptions {
  readonly wish: (wish: Wish) => void;
  readonly colors: boolean;
  readonly ascii: boolean;
  /** What one sees first, where it is not as usual. */
  readonly first?: Partial<View>;
}

/** How often durations move while nothing happens, in ms. */
const TICK_MS = 500;

/** Opens it on standard input and output, which have to be a terminal. */
export function openScreen({ wish, colors, ascii, first }: ScreenOptions): OpenScreen {
  const store = openStore(wish, (what, inMs) => setTimeout(what, inMs), first);
  const app = render(<Screen store={store} look={{ ascii }} theme={theme(colors)} />, {
    alternateScreen: true,
    exitOnCtrlC: false,
    patchConsole: false,
    incrementalRendering: true,
    maxFps: Math.floor(1000 / FRAME_MS),
    // Whoever opens a screen has looked at the terminal; CI in the environment is no reason to show nothing.
    interactive: true,
  });
  // The events' clock, between two events.
  let lastMs = 0;
  let heardMs = performance.now();
  const ticker = setInterval(() => store.tick(lastMs + performance.now() - heardMs), TICK_MS);
  let open = true;
  return {
    event(event) {
      lastMs = event.atMs;
      heardMs = performance.now();
      store.event(event);
    },
    notice: store.notice,
    close() {
      if (!open) return;
      open = false;
      clearInterval(ticker);
      app.unmount();
    },
  };
}
