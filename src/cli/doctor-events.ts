/** What `doctor` found, as events and as an exit code. */
import type { Finding } from '../doctor/check.ts';
import { conclude, type Way } from '../doctor/conclusion.ts';
import type { EventBody } from '../events.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** What a conclusion means to a script. */
const CODES = { none: EXIT.done, credentials: EXIT.authenticationRefused, network: EXIT.network } as const;

/** A finding as an event. */
export function checkFinished({ details, ...rest }: Finding, tookMs: number): EventBody {
  const more = details === undefined || details.length === 0 ? {} : { details: [...details] };
  return { type: 'check.finished', ...rest, ...more, tookMs: rounded(tookMs) };
}

/** All findings as the last event, and the exit code that they mean. */
export function concluded(
  findings: readonly Finding[],
  way: Way | undefined,
  tookMs: number,
): { readonly finished: EventBody; readonly code: ExitCode } {
  const { verdict, summary, next, fault } = conclude(findings, way);
  const count = (name: Finding['verdict']) => findings.filter((one) => one.verdict === name).length;
  const finished: EventBody = {
    type: 'doctor.finished',
    verdict,
    summary,
    ...(next === undefined ? {} : { next }),
    ok: count('ok'),
    warnings: count('warning'),
    failed: count('failed'),
    unknown: count('unknown'),
    tookMs: rounded(tookMs),
  };
  return { finished, code: CODES[fault] };
}

/** Milliseconds to a tenth. */
export function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
