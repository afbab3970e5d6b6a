/**
 * Require (RFC 3261 §8.2.2.3): a request that needs what we do not understand is refused with 420.
 */
import { allValues } from './list.ts';
import { field, type SipRequest } from './message.ts';
import { SUPPORTED } from './user-agent.ts';

const SUPPORTED_TAGS: ReadonlySet<string> = new Set(SUPPORTED.split(', '));

/** The option tags of Require that we do not understand, as Unsupported lists them (§8.2.2.3). */
export function unsupportedExtension(request: SipRequest): string | undefined {
  if (request.method === 'ACK' || request.method === 'CANCEL') return undefined;
  // Most have none; this is asked of every request, and a list is put together for the answer.
  if (field(request, 'Require') === undefined) return undefined;
  const required = allValues(request, 'Require');
  if (!required.ok || required.value.length === 0) return undefined;
  const unknown = required.value.filter(({ text }) => !SUPPORTED_TAGS.has(text.toLowerCase()));
  return unknown.length === 0 ? undefined : unknown.map(({ text }) => text).join(', ');
}
