/**
 * Whether the body of a request is of a type that its method takes (RFC 3261 §8.2.3, §20.11, §20.12, §20.15).
 *
 * A body that may be ignored (`handling=optional`) is: only one that its sender insists on is refused with 415.
 */
import { contentType } from './media-type.ts';
import { field, type SipRequest } from './message.ts';
import { parseParams } from './params.ts';
import { refuse } from './refusal.ts';
import { fail, ok, type Result, type SipError } from './result.ts';
import { latin1, tokenEnd } from './text.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/** A body of one of the types that were asked for. */
export interface TypedBody {
  /** `text/plain`, in lower case, without parameters. */
  readonly type: string;
  /** Latin1. */
  readonly text: string;
}

/**
 * The body, when it is of one of those types (in lower case); undefined when there is none, or one that may be
 * ignored. Errors: `content-type-unsupported`, `body-encoded` (415), those of `parseMediaType`.
 */
export function readBody(request: SipRequest, types: readonly string[]): Result<TypedBody | undefined> {
  if (request.body.length === 0) return ok(undefined);
  const optional = isOptional(request);
  const read = contentType(request);
  if (!read.ok) return optional ? ok(undefined) : read;
  const name = read.value === undefined ? undefined : `${read.value.type}/${read.value.subtype}`;
  if (name === undefined || !types.includes(name)) {
    if (optional) return ok(undefined);
    const header = field(request, 'Content-Type');
    const detail = name === undefined ? 'a body without a Content-Type' : `${name} is not taken here`;
    return fail('content-type-unsupported', header?.offset ?? 0, 415, detail, 'Content-Type');
  }
  const encoding = field(request, 'Content-Encoding');
  if (encoding !== undefined && encoding.value.toLowerCase() !== 'identity') {
    if (optional) return ok(undefined);
    return fail('body-encoded', encoding.offset, 415, 'the body is encoded', 'Content-Encoding');
  }
  return ok({ type: name, text: latin1(request.body) });
}

/** Refuses a body; a 415 says what is taken instead (§21.4.13). */
export function refuseBody(
  agent: UserAgent,
  turn: Turn,
  transaction: ServerTransaction,
  error: SipError,
  types: readonly string[],
): void {
  const named = [
    ['Accept', types.join(', ')],
    ['Accept-Encoding', 'identity'],
  ] as const;
  refuse(agent, turn, transaction, error, error.status === 415 ? { headers: named } : {});
}

/** Content-Disposition with `handling=optional` (§20.11); `required` is the default. */
function isOptional(request: SipRequest): boolean {
  const disposition = field(request, 'Content-Disposition');
  if (disposition === undefined) return false;
  const params = parseParams(disposition.value, tokenEnd(disposition.value, 0));
  return params.ok && params.value.get('handling')?.toLowerCase() === 'optional';
}
