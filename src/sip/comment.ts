/**
 * Comments in parentheses, which nest (RFC 3261 §25.1 comment): in Retry-After, Server and User-Agent.
 */
import { resolveEscapes } from './text.ts';

/**
 * The index after the parenthesis that closes the comment opening at `start`; -1 when it is never closed. A
 * backslash takes the next character with it.
 */
export function commentEnd(text: string, start: number): number {
  let depth = 0;
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x5c) index++;
    else if (code === 0x28) depth++;
    else if (code === 0x29 && --depth === 0) return index + 1;
  }
  return -1;
}

/** What stands in a whole comment, escapes resolved. */
export function commentText(text: string): string {
  return resolveEscapes(text.slice(1, -1));
}
