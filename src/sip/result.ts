/**
 * What comes from the network is never an exception: it is a value that says what was wrong, where, and how to
 * answer. Exceptions are for our own bugs.
 */

/** Why a message, or a part of it, was not understood. */
export interface SipError {
  /** Stable and kebab-case, for people and scripts: `via-missing`, `cseq-malformed`. */
  readonly code: string;
  /** Bytes from the start of the message (or of the text given to the parser). */
  readonly offset: number;
  /** The status to answer a request with, 400 to 699. */
  readonly status: number;
  /** The header field it stands in, by its canonical name. */
  readonly header?: string;
  /** What was wrong, in words for a person. */
  readonly detail: string;
}

/** A value, or what was wrong with the bytes it was to be read from. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: SipError };

/** A good result. */
export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

/** A bad result. */
export function fail(
  code: string,
  offset: number,
  status: number,
  detail: string,
  header?: string,
): Result<never> {
  const error =
    header === undefined ? { code, offset, status, detail } : { code, offset, status, detail, header };
  return { ok: false, error };
}

/** What was wrong and where, for the reason phrase of a 400: "CSeq, byte 131: expected a number and a method". */
export function errorText({ header, offset, detail }: SipError): string {
  const byte = offset > 0 ? `byte ${offset}` : undefined;
  const place = [header, byte].filter((part) => part !== undefined).join(', ');
  return place === '' ? detail : `${place}: ${detail}`;
}

/** An error that stands nowhere in particular: a request that was understood, and is refused all the same. */
export function sipError(code: string, status: number, detail: string): SipError {
  return { code, offset: 0, status, detail };
}
