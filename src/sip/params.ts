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

/**
 * What is read of a message: a parameter and those behind it. There are one to three nearly always, for which hash
 * tables and arrays are more work than they save.
 */
class ParamList implements Params {
  private next: ParamList | undefined = undefined;

  constructor(
    private readonly name: string,
    private readonly value: string | undefined,
  ) {}

  get size(): number {
    return 1 + (this.next?.size ?? 0);
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  get(name: string): string | undefined {
    return this.find(name)?.value;
  }

  /** This one is the last. */
  append(param: ParamList): void {
    this.next = param;
  }

  *keys(): MapIterator<string> {
    for (const [name] of this) yield name;
  }

  *[Symbol.iterator](): MapIterator<[string, string | undefined]> {
    let param: ParamList | undefined = this;
    for (; param !== undefined; param = param.next) yield [param.name, param.value];
  }

  private find(name: string): ParamList | undefined {
    let param: ParamList | undefined = this;
    while (param !== undefined && param.name !== name) param = param.next;
    return param;
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
  let first: ParamList | undefined;
  let last: ParamList | undefined;
  let count = 0;
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
    if (first?.has(name)) {
      return fail('parameter-duplicated', offset + nameStart, 400, `${name} stands twice`, header);
    }
    if (count === MAX_PARAMETERS) {
      return fail('too-many-parameters', offset + nameStart, 400, `more than ${MAX_PARAMETERS}`, header);
    }
    index = skipSpace(text, nameEnd, end);
    let value: string | undefined;
    if (index < end && text.charCodeAt(index) === 0x3d) {
      const valueStart = skipSpace(text, index + 1, end);
      const valueEnd = parameterValueEnd(text, valueStart, end);
      if (valueEnd === -1) {
        return fail('parameter-malformed', offset + valueStart, 400, `malformed value of ${name}`, header);
      }
      value = text.slice(valueStart, valueEnd);
      index = skipSpace(text, valueEnd, end);
    }
    const param = new ParamList(name, value);
    last?.append(param);
    first ??= param;
    last = param;
    count++;
  }
  return ok(first ?? NO_PARAMS);
}

/** In every message. */
const COMMON_NAMES = [
  'tag',
  'branch',
  'rport',
  'lr',
  'expires',
  'received',
  'q',
  'alias',
  'reg-id',
  '+sip.instance',
];

const ENDS = 1;
const WRONG = 2;
/** What characters that do not belong to an unquoted value do there. */
const IN_VALUE = new Uint8Array(256);
for (const character of ' \t;') IN_VALUE[character.charCodeAt(0)] = ENDS;
for (const character of '",<>') IN_VALUE[character.charCodeAt(0)] = WRONG;

/**
 * Where a value ends: a quoted string at its quote, anything else before white space or `;`. Wider than the
 * grammar's token (leniency `parameter-value-characters`); never across a comma, a quote or <>.
 */
function parameterValueEnd(text: string, start: number, end: number): number {
  if (text.charCodeAt(start) === 0x22) return quotedStringEnd(text, start, end);
  let index = start;
  for (; index < end; index++) {
    const kind = IN_VALUE[text.charCodeAt(index)];
    if (kind === ENDS) break;
    if (kind === WRONG) return -1;
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
