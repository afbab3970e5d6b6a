/**
 * Text of a stranger on its way to a terminal. A display name may hold an escape sequence that moves the cursor,
 * sets the window's title or turns the text around; what could do so is shown as its number instead.
 */

// C0, DEL, C1, what has no width, line and paragraph separators, bidirectional controls, invisible tags, lone surrogates.
const UNSAFE =
  /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Cs}/gu;

/** The text on one line, without anything that a terminal obeys, cut at `limit` characters. */
export function printable(text: string, limit = 200): string {
  const cut = text.length > limit ? `${text.slice(0, limit - 3)}...` : text;
  return cut.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
