/**
 * CSeq: the number and method of a request, repeated in its responses (RFC 3261 §20.16, §8.1.1.5).
 */
import { COMMON_METHODS } from './methods.ts';
import { fail, ok, type Result } from './result.ts';
import { readDigits, skipSpace, tokenAt, tokenEnd } from './text.ts';

/** One CSeq. */
export interface CSeq {
  /** 0 to 2^31 − 1. */
  readonly number: number;
  readonly method: string;
}

/** It fills `text` from `first` to `end`. Errors: `cseq-malformed`, `cseq-too-large` (§8.1.1.5: less than 2^31). */
export function parseCSeq(text: string, offset = 0, first = 0, end = text.length): Result<CSeq> {
  const start = skipSpace(text, first, end);
  const numberEnd = tokenEnd(text, start, end);
  const number = readDigits(text, start, numberEnd);
  const methodStart = skipSpace(text, numberEnd, end);
  const method = tokenAt(text, methodStart, end, COMMON_METHODS);
  if (number < 0 || methodStart === numberEnd || method === undefined) {
    return fail('cseq-malformed', offset + start, 400, 'expected a number and a method', 'CSeq');
  }
  if (number >= 2 ** 31) {
    return fail('cseq-too-large', offset + start, 400, 'the number must be less than 2^31', 'CSeq');
  }
  return ok({ number, method });
}

/** "1 INVITE". */
export function serializeCSeq({ number, method }: CSeq): string {
  return `${number} ${method}`;
}
