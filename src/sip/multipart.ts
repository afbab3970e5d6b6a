/**
 * Bodies of several parts (RFC 2046 §5.1, RFC 5621): a session description beside an ISUP message, a location or a
 * picture, and alternatives of which the last that is understood counts.
 *
 * Parts are found by searching for the boundary, not by reading lines, as they may be binary. Their number and depth
 * are bounded; every byte is looked at once for each level.
 */
import { contentDisposition } from './content-disposition.ts';
import { canonicalName } from './header-names.ts';
import { MAX_HEADER_FIELDS, MAX_MULTIPART_DEPTH, MAX_MULTIPART_PARTS } from './limits.ts';
import { type MediaType, parseMediaType } from './media-type.ts';
import type { HeaderField } from './message.ts';
import { parameterText } from './params.ts';
import { fail, ok, type Result } from './result.ts';

/** A message, or a part of its body. */
export interface Entity {
  /** Those of a part have offsets from the start of the body that it is in. */
  readonly headers: readonly HeaderField[];
  readonly body: string;
}

/**
 * The part of that type (in lower case) in a multipart entity, however deep; undefined when it has none. Of
 * `multipart/alternative` it is the last one, else the first. One that is for something else than the session is
 * passed over (`early-session`, RFC 3959), and so are parts of unknown types, unless their sender insists on them
 * (`handling=required`). Errors: `multipart-malformed`, `too-many-parts` (400), `part-unsupported` (415).
 */
export function partOfType(entity: Entity, type: string, depth = 0): Result<Entity | undefined> {
  const media = mediaTypeOf(entity);
  if (media?.type !== 'multipart') return ok(fits(entity, media, type) ? entity : undefined);
  if (depth === MAX_MULTIPART_DEPTH) {
    return fail('too-many-parts', 0, 400, `more than ${MAX_MULTIPART_DEPTH} levels of parts`);
  }
  const boundary = parameterText(media.params, 'boundary');
  if (boundary === undefined || boundary === '' || boundary.length > 70) {
    return fail('multipart-malformed', 0, 400, 'a boundary has 1 to 70 characters', 'Content-Type');
  }
  const parts = splitParts(entity.body, boundary);
  if (!parts.ok) return parts;
  const alternative = media.subtype === 'alternative';
  let found: Entity | undefined;
  for (const part of alternative ? parts.value.toReversed() : parts.value) {
    const inside = partOfType(part, type, depth + 1);
    if (!inside.ok) return inside;
    if (inside.value !== undefined) found ??= inside.value;
    else if (!alternative && isInsistedOn(part)) {
      return fail('part-unsupported', 0, 415, `a part that is not understood has handling=required`);
    }
    if (alternative && found !== undefined) return ok(found);
  }
  return ok(found);
}

/** Whether an entity is of several parts. */
export function isMultipart(entity: Entity): boolean {
  return mediaTypeOf(entity)?.type === 'multipart';
}

/** RFC 2046 §5.1.1. A part without its delimiters on both sides was cut off. */
function splitParts(text: string, boundary: string): Result<Entity[]> {
  const delimiter = `--${boundary}`;
  const parts: Entity[] = [];
  let partStart = -1;
  for (let at = text.indexOf(delimiter); at !== -1; at = text.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && text[at - 1] !== '\n') continue;
    const rest = /^(--)?[ \t]*(\r?\n|$)/.exec(text.slice(at + delimiter.length, at + delimiter.length + 80));
    // A longer boundary, of a part inside this one, begins alike.
    if (rest === null) continue;
    if (partStart !== -1) {
      if (parts.length === MAX_MULTIPART_PARTS) {
        return fail('too-many-parts', at, 400, `more than ${MAX_MULTIPART_PARTS} parts`);
      }
      const part = readPart(text, partStart, at);
      if (!part.ok) return part;
      parts.push(part.value);
    }
    if (rest[1] !== undefined) return ok(parts);
    partStart = at + delimiter.length + rest[0].length;
  }
  return fail('multipart-malformed', text.length, 400, 'the last boundary is missing', 'Content-Type');
}

/** Header fields, an empty line, and the content; the line break before the delimiter belongs to that. */
function readPart(text: string, start: number, delimiter: number): Result<Entity> {
  const headers: HeaderField[] = [];
  const end = delimiter - (text[delimiter - 2] === '\r' ? 2 : 1);
  let position = start;
  while (position < end) {
    const lineFeed = text.indexOf('\n', position);
    const lineEnd = lineFeed === -1 || lineFeed > end ? end : lineFeed;
    const line = text.slice(position, lineEnd).trimEnd();
    const lineStart = position;
    position = lineEnd + 1;
    if (line === '') return ok({ headers, body: text.slice(Math.min(position, end), end) });
    const colon = line.indexOf(':');
    const last = headers.at(-1);
    if (/^[ \t]/.test(line) && last !== undefined) {
      headers[headers.length - 1] = { ...last, value: `${last.value} ${line.trim()}` };
    } else if (colon < 1 || headers.length === MAX_HEADER_FIELDS) {
      return fail('multipart-malformed', lineStart, 400, 'a malformed header field of a part');
    } else {
      const name = canonicalName(line.slice(0, colon).trim());
      headers.push({ name, value: line.slice(colon + 1).trim(), offset: lineStart });
    }
  }
  return ok({ headers, body: '' });
}

/** Undefined when it is absent or cannot be read. */
function mediaTypeOf({ headers }: Entity): MediaType | undefined {
  const header = headers.find(({ name }) => name === 'Content-Type');
  if (header === undefined) return undefined;
  const media = parseMediaType(header.value, header.offset, 'Content-Type');
  return media.ok ? media.value : undefined;
}

/** A part of that type that needs no decoding and is for the session, or for nothing in particular. */
function fits(entity: Entity, media: MediaType | undefined, type: string): boolean {
  if (media === undefined || `${media.type}/${media.subtype}` !== type) return false;
  const encoding = fieldOf(entity, 'Content-Transfer-Encoding') ?? 'binary';
  if (!['binary', '8bit', '7bit'].includes(encoding)) return false;
  if ((fieldOf(entity, 'Content-Encoding') ?? 'identity') !== 'identity') return false;
  return contentDisposition(entity.headers)?.type !== 'early-session';
}

/** Leniency `part-handling-missing`: §20.11 reads an absent `handling` as required, and no gateway means it. */
function isInsistedOn({ headers }: Entity): boolean {
  return contentDisposition(headers)?.handling === 'required';
}

function fieldOf({ headers }: Entity, name: string): string | undefined {
  return headers.find((header) => header.name === name)?.value.toLowerCase();
}
