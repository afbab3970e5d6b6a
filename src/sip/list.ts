/**
 * Header fields that hold a list: values separated by commas, and fields repeated (RFC 3261 §7.3.1).
 *
 * A comma inside a quoted string or inside <> separates nothing: `"Bell, A" <sip:a,b@example.org>` is one value.
 */
import { MAX_LIST_VALUES } from './limits.ts';
import type { SipMessage } from './message.ts';
import { fail, ok, type Result } from './result.ts';
import { quotedStringEnd, skipSpace, trimEnd } from './text.ts';

/** One value of a list, trimmed. */
export interface ListValue {
  readonly text: string;
  /** Where it starts, in bytes from the start of the message. */
  readonly offset: number;
}

/**
 * The values of one field. `offset` is where `text` starts in the message. An empty field is an empty list;
 * an empty value between commas is an error (`list-value-empty`), as are more than MAX_LIST_VALUES.
 */
export function listValues(text: string, offset = 0, header?: string): Result<ListValue[]> {
  const values: ListValue[] = [];
  return appendValues(values, text, offset, header) ?? ok(values);
}

/** The values of all fields of that canonical name, in order; none when there is no such field. */
export function allValues(message: SipMessage, name: string): Result<ListValue[]> {
  const values: ListValue[] = [];
  for (const header of message.headers) {
    if (header.name !== name) continue;
    const failed = appendValues(values, header.value, header.offset, name);
    if (failed) return failed;
  }
  return ok(values);
}

/** Where the first value of a field ends: its first comma that separates, or the end of the field. */
export function firstValueEnd(text: string, start = 0, end = text.length): number {
  const comma = text.indexOf(',', start);
  if (comma === -1 || comma >= end) return end;
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x2c) return index;
    if (code === 0x22) {
      const quoteEnd = quotedStringEnd(text, index, end);
      if (quoteEnd === -1) return end;
      index = quoteEnd - 1;
    } else if (code === 0x3c) {
      const close = text.indexOf('>', index);
      if (close === -1 || close >= end) return end;
      index = close;
    }
  }
  return end;
}

function appendValues(
  values: ListValue[],
  text: string,
  offset: number,
  header?: string,
): Result<never> | undefined {
  if (skipSpace(text, 0) === text.length) return undefined;
  let start = 0;
  while (start <= text.length) {
    const end = firstValueEnd(text, start);
    const first = skipSpace(text, start, end);
    if (first === end)
      return fail('list-value-empty', offset + start, 400, 'an empty value in a list', header);
    if (values.length === MAX_LIST_VALUES) {
      const detail = `more than ${MAX_LIST_VALUES} values`;
      return fail('list-too-long', offset + first, 400, detail, header);
    }
    values.push({ text: text.slice(first, trimEnd(text, first, end)), offset: offset + first });
    start = end + 1;
  }
  return undefined;
}
