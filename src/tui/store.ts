/**
 * Between the events and the screen: takes every event in at once, and tells the screen at most fifteen times a
 * second, so that a thousand calls cost no more to draw than ten.
 *
 * What is drawn is a snapshot number: React asks whether it changed, and the frame is made from the model then.
 */
import type { Event } from '../events.ts';
import { applyEvent, isMeasured, type Model, newModel } from './model.ts';
import { FIRST_VIEW, press, type View, type Wish } from './view.ts';

/** Between two frames, in ms: 15 a second. */
export const FRAME_MS = 67;

/**
 * Between two frames that show nothing but figures, in ms: a thousand calls are measured twice a second, and whoever
 * looks cannot read faster.
 */
const MEASURED_MS = 500;

/** Runs something once, later. A test gives its own. */
export type Later = (what: () => void, inMs: number) => void;

/** The one owner of model and view. */
export interface Store {
  readonly event: (event: Event) => void;
  /** The clock of the events, now: durations go on while nothing happens. */
  readonly tick: (nowMs: number) => void;
  /** A key; `rows` is a page of the pane. */
  readonly press: (key: string, rows: number) => void;
  readonly notice: (sentence: string) => void;
  readonly model: Model;
  readonly view: () => View;
  /** For `useSyncExternalStore`. */
  readonly subscribe: (changed: () => void) => () => void;
  readonly snapshot: () => number;
}

/** `wish` is told what the person asks for; `first` is what one sees first, where it is not as usual. */
export function openStore(wish: (wish: Wish) => void, later: Later, first: Partial<View> = {}): Store {
  const model = newModel();
  let view: View = { ...FIRST_VIEW, ...first };
  let drawn = 0;
  /** Whether a frame is due, soon or at leisure. */
  const due = { soon: false, slowly: false };
  const listeners = new Set<() => void>();

  function draw(): void {
    due.soon = false;
    due.slowly = false;
    drawn += 1;
    for (const listener of listeners) listener();
  }

  function changed(when: 'soon' | 'slowly'): void {
    if (due[when]) return;
    due[when] = true;
    later(
      () => {
        // An earlier frame has shown it.
        if (due[when]) draw();
      },
      when === 'soon' ? FRAME_MS : MEASURED_MS,
    );
  }

  function setView(next: View): void {
    view = next;
    // A key is answered at once: nobody presses fifteen a second.
    draw();
  }

  return {
    model,
    event(event) {
      applyEvent(model, event);
      if (!view.paused) changed(isMeasured(event) ? 'slowly' : 'soon');
    },
    tick(nowMs) {
      model.nowMs = Math.max(model.nowMs, nowMs);
      if (!view.paused) changed('slowly');
    },
    press(key, rows) {
      const pressed = press(view, key, model, rows);
      setView(pressed.view);
      if (pressed.wish !== undefined) wish(pressed.wish);
    },
    notice: (sentence) => setView({ ...view, notice: sentence }),
    view: () => view,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    snapshot: () => drawn,
  };
}
