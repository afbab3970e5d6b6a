/**
 * What a screen leaves behind on the terminal when the session has failed. Why: the log goes with the screen, and a
 * wrong password would leave nothing but an exit code.
 */
import type { Event } from '../events.ts';
import { plainReporter } from '../report/plain-reporter.ts';

/** Remembers one line. */
export interface LastWords {
  readonly event: (event: Event) => void;
  /** The last error and why it stopped; empty when it ended as was asked. */
  readonly lines: () => readonly string[];
}

/** Opens it. */
export function lastWords(): LastWords {
  const report = plainReporter({ level: 0, style: 'service', color: false, showTime: false });
  let error: string | undefined;
  let stopped: string | undefined;
  return {
    event(event) {
      if (event.type === 'diagnosis.raised' && event.severity === 'error') error = report(event);
      if (event.type === 'session.stopped' && event.exitCode !== 0) stopped = report(event);
    },
    lines: () => (stopped === undefined ? [] : [error, stopped].flatMap((line) => line ?? [])),
  };
}
