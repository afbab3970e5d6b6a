/**
 * `--json`: one event a line, and nothing else. JSON.stringify escapes every control character, so a line is a line
 * whatever a stranger put into a header.
 */
import type { Event } from '../events.ts';

/** The line of one event, without its end. */
export function jsonLine(event: Event): string {
  // DEL and C1 are legal in JSON, and `tail -f` on a terminal would still obey them.
  return JSON.stringify(event).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
