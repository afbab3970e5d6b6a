/**
 * The timers of a loop of our own: a few deadlines, of which the system is told the earliest.
 *
 * Why a plain list: a media thread has four of them.
 */
import type { After } from './udp-sockets.ts';

/** Timers that run when they are told to. */
export interface LoopTimers {
  readonly after: After;
  /** Calls back whatever is due. */
  run(): void;
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** `arm` is told in how many ms `run` is wanted, each time that changes; undefined: not at all. */
export function openLoopTimers(nowMs: () => number, arm: (inMs: number | undefined) => void): LoopTimers {
  const timers = new Set<Timer>();
  let armedMs = Number.POSITIVE_INFINITY;
  let running = false;

  function armEarliest(): void {
    if (running) return;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { atMs } of timers) earliest = Math.min(earliest, atMs);
    if (earliest === armedMs) return;
    armedMs = earliest;
    arm(earliest === Number.POSITIVE_INFINITY ? undefined : Math.max(0, earliest - nowMs()));
  }

  return {
    after(ms, callback) {
      const timer = { atMs: nowMs() + ms, callback };
      timers.add(timer);
      armEarliest();
      return () => {
        if (timers.delete(timer)) armEarliest();
      };
    },
    run() {
      const now = nowMs();
      const due = [...timers].filter(({ atMs }) => atMs <= now).sort((a, b) => a.atMs - b.atMs);
      running = true;
      try {
        for (const timer of due) if (timers.delete(timer)) timer.callback();
      } finally {
        running = false;
        // It has fired: armed anew even for the same time, or the loop would be told again and again.
        armedMs = Number.NaN;
        armEarliest();
      }
    },
  };
}
