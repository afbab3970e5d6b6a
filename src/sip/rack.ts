/** RAck: which reliable provisional response a PRACK acknowledges (RFC 3262 §7.2). */
import { fail, ok, type Result } from './result.ts';

/** `776656 1 INVITE`. */
export interface Rack {
  /** The RSeq of the response. */
  readonly responseNumber: number;
  /** The CSeq of the request that it answered. */
  readonly sequence: number;
  readonly method: string;
}

/** Error: `rack-malformed` (400), also for numbers above 2^32 − 1. */
export function parseRack(text: string, offset = 0): Result<Rack> {
  const [, response = '', request = '', method = ''] = /^(\d{1,10})\s+(\d{1,10})\s+(\S+)$/.exec(text) ?? [];
  const [responseNumber, sequence] = [Number(response), Number(request)];
  if (method === '' || responseNumber >= 2 ** 32 || sequence >= 2 ** 32) {
    return fail('rack-malformed', offset, 400, 'expected two numbers and a method', 'RAck');
  }
  return ok({ responseNumber, sequence, method });
}
