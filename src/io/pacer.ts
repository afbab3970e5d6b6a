/**
 * Beats evenly: calls back every so many ms, for as long as it runs.
 *
 * Why not setInterval: a beat has a place on a grid that was fixed at the start, so a late one is followed by an early
 * one and nothing drifts. Beats that were missed are caught up at once while they are few, which a receiver's buffer
 * takes; after a longer hold-up (a machine that slept) a burst would be worse than a gap, and they are told as missed.
 */

import { type After, afterTimeout } from './udp-sockets.ts';

/** Beats carried out at once after a hold-up. */
export const MAX_CATCH_UP = 5;

/** Running or not. */
export interface Pacer {
  /** Starts; nothing when it runs. */
  start(): void;
  stop(): void;
}

/** `beat` is told how many beats before this one were missed for good: 0 but after a hold-up. */
export function openPacer(
  intervalMs: number,
  beat: (missed: number) => void,
  after: After = afterTimeout,
): Pacer {
  let cancel: (() => void) | undefined;
  let nextMs = 0;

  function wake(): void {
    const { beats, missed } = due(performance.now() - nextMs, intervalMs);
    nextMs += (beats + missed) * intervalMs;
    cancel = after(Math.max(0, nextMs - performance.now()), wake);
    for (let index = 0; index < beats; index++) beat(index === 0 ? missed : 0);
  }

  return {
    start() {
      if (cancel !== undefined) return;
      nextMs = performance.now();
      cancel = after(0, wake);
    },
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}

/** How many beats are due when the next one was due `lateMs` ago (negative: it is not), and how many are given up. */
export function due(lateMs: number, intervalMs: number): { readonly beats: number; readonly missed: number } {
  if (lateMs < 0) return { beats: 0, missed: 0 };
  const all = Math.floor(lateMs / intervalMs) + 1;
  const beats = Math.min(all, MAX_CATCH_UP);
  return { beats, missed: all - beats };
}
