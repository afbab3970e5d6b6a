/**
 * Path: the proxies that a registered phone is behind, and that calls to it must pass (RFC 3327).
 */

import { MAX_PATHS } from './limits.ts';
import { allValues } from './list.ts';
import type { SipRequest } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { fail, ok, type Result } from './result.ts';
import { parseOptionTags } from './token-list.ts';
import { parseUri } from './uri.ts';

/**
 * The values of Path, as they came. Errors: `path-unsupported` (420) when the phone itself does not say that it knows
 * of the extension, as it would then be registered in a way that it does not understand (§5.3); `path-too-long`.
 */
export function readPath(request: SipRequest): Result<readonly string[]> {
  const values = allValues(request, 'Path');
  if (!values.ok) return values;
  if (values.value.length === 0) return ok([]);
  const supported = parseOptionTags(request, 'Supported');
  if (!supported.ok) return supported;
  if (!supported.value.includes('path')) {
    return fail('path-unsupported', 0, 420, 'a Path, and no path in Supported', 'Path');
  }
  if (values.value.length > MAX_PATHS) {
    return fail('path-too-long', 0, 400, `more than ${MAX_PATHS} values`, 'Path');
  }
  for (const { text, offset } of values.value) {
    const address = parseNameAddr(text, offset, 'Path');
    const uri = address.ok ? parseUri(address.value.uri, offset, 'Path') : address;
    if (!uri.ok) return uri;
  }
  return ok(values.value.map(({ text }) => text));
}
