/** What was pressed, by the names that keys.ts uses, from what Ink's `useInput` says. */
import type { Key } from 'ink';

/**
 * The keys in one input: a quick hand, or a paste, sends several at once, and Ink hands them over as one text. None
 * for what no key of ours is made of.
 */
export function keyNames(input: string, key: Key): readonly string[] {
  const named = nameOf(key);
  if (named !== undefined) return [named];
  if (key.meta || input === '') return [];
  if (key.ctrl) return [`ctrl-${input}`];
  return [...input].flatMap((character) => {
    if (character === '\r' || character === '\n') return 'enter';
    return /\p{Cc}/u.test(character) ? [] : character;
  });
}

function nameOf(key: Key): string | undefined {
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
  return undefined;
}
