/**
 * Keys that were pressed, in the body of an INFO: `application/dtmf-relay` and `application/dtmf`.
 *
 * No RFC has them; they are Cisco's, older than RFC 4733, and phones still send them when no telephone-event was
 * agreed. Numbers stand for the keys that are no digits, as in RFC 4733 §3.2.
 */
import { fail, ok, type Result } from './result.ts';

/** What an INFO may say of a key. */
export const DTMF_TYPES = ['application/dtmf-relay', 'application/dtmf'] as const;

/** One key. */
export interface RelayedKey {
  /** As in `dtmf.received`: 0 to 9, *, #, A to D, flash. */
  readonly digit: string;
  /** In ms; absent when it was not said. */
  readonly durationMs?: number;
}

/** The other ways to write a key. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['10', '*'],
  ['11', '#'],
  ['12', 'A'],
  ['13', 'B'],
  ['14', 'C'],
  ['15', 'D'],
  ['16', 'flash'],
  ['!', 'flash'],
  ['HF', 'flash'],
  ['FLASH', 'flash'],
]);
/** A body is two short lines. */
const MAX_BODY = 256;
/** The longest duration that is believed, in ms: a key that is held for a minute. */
const MAX_DURATION_MS = 60_000;

/** `Signal=5` and `Duration=160` in lines of any order, or the key alone. Error: `dtmf-malformed`, 400. */
export function parseDtmfRelay(text: string): Result<RelayedKey> {
  const lines = text.slice(0, MAX_BODY).split(/[\r\n]+/);
  let signal = lines[0] ?? '';
  let duration = '';
  for (const line of lines) {
    const equals = line.indexOf('=');
    const name = line.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    if (name === 'signal') signal = line.slice(equals + 1);
    else if (name === 'duration') duration = line.slice(equals + 1).trim();
  }
  const key = signal.trim().toUpperCase();
  const digit = SPELLINGS.get(key) ?? (/^[0-9*#A-D]$/.test(key) ? key : undefined);
  if (digit === undefined) return fail('dtmf-malformed', 0, 400, 'the body names no key');
  const durationMs = /^\d{1,6}$/.test(duration) ? Number(duration) : 0;
  return ok({ digit, ...(durationMs > 0 && durationMs <= MAX_DURATION_MS ? { durationMs } : {}) });
}
