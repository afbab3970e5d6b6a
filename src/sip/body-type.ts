/**
 * Whether the body of a request is of a type that its method takes (RFC 3261 §8.2.3, §20.11, §20.12, §20.15).
 *
 * A body that may be ignored (`handling=optional`) is: only one that its sender insists on is refused with 415.
 */
import { contentDisposition } from './content-disposition.ts';
import { contentType } from './media-type.ts';
import { field, type SipRequest } from './message.ts';
import { partOfType } from './multipart.ts';
import { refuse } from './refusal.ts';
import { fail, ok, type Result, type SipError } from './result.ts';
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
 * ignored. Errors: `content-type-unsupported`, `body-encoded` (415), those of `parseMediaType` and `partOfType`.
 */
export function readBody(request: SipRequest, types: readonly string[]): Result<TypedBody | undefined> {
  if (request.body.length === 0) return ok(undefined);
  const optional = isOptional(request);
  const read = contentType(request);
  if (!read.ok) return optional ? ok(undefined) : read;
  const name = read.value === undefined ? undefined : `${read.value.type}/${read.value.subtype}`;
  if (name === undefined || !types.includes(name)) {
    if (read.value?.type === 'multipart') return readPart(request, types, optional);
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
  return ok({ type: name, text: request.body });
}

/** The same among the parts of a body (RFC 5621 §3): the first type that one of them has. */
function readPart(
  request: SipRequest,
  types: readonly string[],
  optional: boolean,
): Result<TypedBody | undefined> {
  for (const type of types) {
    const part = partOfType(request, type);
    if (!part.ok) return optional ? ok(undefined) : part;
    if (part.value !== undefined) return ok({ type, text: part.value.body });
  }
  if (optional) return ok(undefined);
  const header = field(request, 'Content-Type');
  const detail = 'none of the parts is of a type that is taken here';
  return fail('content-type-unsupported', header?.offset ?? 0, 415, detail, 'Content-Type');
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
function isOptional({ headers }: SipRequest): boolean {
  return contentDisposition(headers)?.handling === 'optional';
}
