/**
 * Puts the screen on a terminal and takes it off again. The alternate screen is left on every way out: Ink does it
 * at exit, and whoever closes the screen before printing a last line.
 */
import { render } from 'ink';
import type { Event } from '../events.ts';
import type { Model } from './model.ts';
import { Screen } from './screen.tsx';
import { FRAME_MS, openStore } from './store.ts';
import { theme } from './theme.ts';
import type { View, Wish } from './view.ts';

/** A screen that stands, until `close`. */
export interface OpenScreen {
  readonly event: (event: Event) => void;
  /** A sentence in the last line, until the next key. */
  readonly notice: (sentence: string) => void;
  /** What is known of a call, for a file: its events, where we are, and when the session began. */
  readonly known: (call: string) => KnownCall | undefined;
  /** Restores the terminal. */
  readonly close: () => void;
}

/** See `known`. */
export interface KnownCall {
  readonly events: readonly Event[];
  readonly us: { readonly address: string; readonly port: number };
  readonly startedWallMs: number;
}

/** How it looks, and who carries out what its keys ask for. */
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
    known: (call) => knownCall(store.model, call),
    close() {
      if (!open) return;
      open = false;
      clearInterval(ticker);
      app.unmount();
    },
  };
}

function knownCall(model: Model, handle: string): KnownCall | undefined {
  const call = model.calls.get(handle);
  if (call === undefined) return undefined;
  const [listener] = model.listeners;
  const address = model.addresses.get('local 4') ?? model.addresses.get('local 6') ?? listener;
  return {
    events: [...call.ladder].map(({ event }) => event),
    us: { address: address?.address ?? '0.0.0.0', port: listener?.port ?? 0 },
    startedWallMs: model.startedWallMs ?? 0,
  };
}
