/**
 * Content-Disposition: what a body, or a part of one, is for, and whether it may be ignored (RFC 3261 §20.11).
 */
import type { HeaderField } from './message.ts';
import { parseParams } from './params.ts';
import { tokenEnd } from './text.ts';

export interface ContentDisposition {
  /** `session`, `early-session`, `render`, …; in lower case. */
  readonly type: string;
  /** `handling` in lower case; `required` is meant when it is absent. */
  readonly handling: string | undefined;
}

/** Undefined when there is none, or one that cannot be read: then it is as if it were absent (§20.11). */
export function contentDisposition(headers: readonly HeaderField[]): ContentDisposition | undefined {
  const header = headers.find(({ name }) => name === 'Content-Disposition');
  if (header === undefined) return undefined;
  const end = tokenEnd(header.value, 0);
  const params = parseParams(header.value, end);
  if (end === 0 || !params.ok) return undefined;
  const type = header.value.slice(0, end).toLowerCase();
  return { type, handling: params.value.get('handling')?.toLowerCase() };
}
