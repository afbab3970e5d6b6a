/** What was pressed, by the name that keys.ts uses, from what Ink's `useInput` says. */
import type { Key } from 'ink';

/** `up`, `enter`, `ctrl-c`, or the text itself; undefined for what no key of ours is made of. */
export function keyName(input: string, key: Key): string | undefined {
  if (key.upArrow) return 'up';
  if (key.downArrow) return 'down';
  if (key.leftArrow) return 'left';
  if (key.rightArrow) return 'right';
  if (key.pageUp) return 'page-up';
  if (key.pageDown) return 'page-down';
  if (key.home) return 'home';
  if (key.end) return 'end';
  if (key.return) return 'enter';
  if (key.escape) return 'esc';
  if (key.tab) return key.shift ? 'shift-tab' : 'tab';
  if (key.backspace || key.delete) return 'backspace';
  if (key.ctrl) return input === '' ? undefined : `ctrl-${input}`;
  return input === '' || key.meta ? undefined : input;
}
