/**
 * What has to be put back on the terminal before a last word is written to it: a screen that is open when something
 * breaks would swallow the message, and leave the person with a hidden cursor.
 */
let putBack: (() => void) | undefined;

/** Remembers how; undefined once there is nothing to put back any more. */
export function guardTerminal(how: (() => void) | undefined): void {
  putBack = how;
}

/** Puts it back, once. */
export function restoreTerminal(): void {
  const how = putBack;
  putBack = undefined;
  how?.();
}
