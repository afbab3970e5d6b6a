/**
 * Parameters of a header field value or of a URI: `;name=value;flag` (RFC 3261 §7.3.1, §25.1 generic-param).
 *
 * Values are kept as they stand, quotes and escapes included, so that what is passed on is what came;
 * `parameterText` gives the content.
 */
import { MAX_PARAMETERS } from './limits.ts';
import { fail, ok, type Result } from './result.ts';
import { knownWordAt, quotedStringEnd, skipSpace, tokenEnd, trimEnd, unquote } from './text.ts';

/** Names in lower case, in order; a parameter without `=` has the value undefined (and `has` says true). A map is one. */
export type Params = Pick<
  ReadonlyMap<string, string | undefined>,
  'get' | 'has' | 'keys' | 'size' | typeof Symbol.iterator
>;

/** What is read of a message: one or two parameters nearly always, for which a hash table is more work than it saves. */
class ParamList implements Params {
  private readonly names: string[] = [];
  private readonly values: (string | undefined)[] = [];

  get size(): number {
    return this.names.length;
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  get(name: string): string | undefined {
    const index = this.names.indexOf(name);
    return index === -1 ? undefined : this.values[index];
  }

  /** A name that is not there yet. */
  add(name: string, value: string | undefined): void {
    this.names.push(name);
    this.values.push(value);
  }

  keys(): MapIterator<string> {
    return this.names.values();
  }

  *[Symbol.iterator](): MapIterator<[string, string | undefined]> {
    for (const [index, name] of this.names.entries()) yield [name, this.values[index]];
  }
}

/** Shared; never written to. */
export const NO_PARAMS: Params = new Map();

/**
 * The parameters in `text` from `start`, which is where the first `;` stands, to `end`. `offset` is where
 * `text` starts in the message. Errors: `parameter-malformed`, `parameter-duplicated` (§7.3.1: any name once
 * only), `too-many-parameters`.
 */
export function parseParams(
  text: string,
  start: number,
  offset = 0,
  header?: string,
  end = text.length,
): Result<Params> {
  let index = skipSpace(text, start, end);
  if (index === end) return ok(NO_PARAMS);
  const params = new ParamList();
  while (index < end) {
    if (text.charCodeAt(index) !== 0x3b) {
      return fail('parameter-malformed', offset + index, 400, 'expected ";" before a parameter', header);
    }
    const nameStart = skipSpace(text, index + 1, end);
    const nameEnd = tokenEnd(text, nameStart, end);
    // Leniency `separator-last`.
    if (nameStart === end) break;
    if (nameEnd === nameStart) {
      return fail('parameter-malformed', offset + nameStart, 400, 'expected the name of a parameter', header);
    }
    const name =
      knownWordAt(text, nameStart, nameEnd, COMMON_NAMES) ?? text.slice(nameStart, nameEnd).toLowerCase();
    if (params.has(name)) {
      return fail('parameter-duplicated', offset + nameStart, 400, `${name} stands twice`, header);
    }
    if (params.size === MAX_PARAMETERS) {
      return fail('too-many-parameters', offset + nameStart, 400, `more than ${MAX_PARAMETERS}`, header);
    }
    index = skipSpace(text, nameEnd, end);
    if (index === end || text.charCodeAt(index) !== 0x3d) {
      params.add(name, undefined);
      continue;
    }
    const valueStart = skipSpace(text, index + 1, end);
    const valueEnd = parameterValueEnd(text, valueStart, end);
    if (valueEnd === -1) {
      return fail('parameter-malformed', offset + valueStart, 400, `malformed value of ${name}`, header);
    }
    params.add(name, text.slice(valueStart, valueEnd));
    index = skipSpace(text, valueEnd, end);
  }
  return ok(params);
}

/** In every message. */
const COMMON_NAMES = ['tag', 'branch', 'rport', 'lr', 'expires', 'received'];

/**
 * Where a value ends: a quoted string at its quote, anything else before white space or `;`. Wider than the
 * grammar's token (leniency `parameter-value-characters`); never across a comma, a quote or <>.
 */
function parameterValueEnd(text: string, start: number, end: number): number {
  if (text.charCodeAt(start) === 0x22) return quotedStringEnd(text, start, end);
  let index = start;
  for (; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x3b || code === 0x20 || code === 0x09) break;
    if (code === 0x22 || code === 0x2c || code === 0x3c || code === 0x3e) return -1;
  }
  return index === start ? -1 : index;
}

/** The content of a parameter: unquoted, escapes resolved; undefined when it is absent or has no value. */
export function parameterText(params: Params, name: string): string | undefined {
  const raw = params.get(name);
  return raw === undefined ? undefined : unquote(raw);
}

/** `;name=value;flag`, empty for none. Values are written as they stand. */
export function serializeParams(params: Params): string {
  let text = '';
  for (const [name, raw] of params) text += raw === undefined ? `;${name}` : `;${name}=${raw}`;
  return text;
}

/** The same parameters but for those given: set, or taken out when null. */
export function withParams(params: Params, changes: Readonly<Record<string, string | null>>): Params {
  const changed = new Map(params);
  for (const [name, raw] of Object.entries(changes)) {
    if (raw === null) changed.delete(name);
    else changed.set(name, raw);
  }
  return changed;
}

/** A value with one parameter more at its end; one that ends with `;`, which is forgiven, has its separator already. */
export function withParameter(text: string, name: string, value: string): string {
  const end = trimEnd(text, 0, text.length);
  const separator = text.charCodeAt(end - 1) === 0x3b ? '' : ';';
  return `${text.slice(0, end)}${separator}${name}=${value}`;
}
