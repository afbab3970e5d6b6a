/**
 * Requests of ours within a dialog (RFC 3261 §12.2.1.1).
 */
import type { Dialog } from './dialog.ts';
import { routed } from './route-set.ts';
import type { HeaderLine } from './serialize-message.ts';
import type { RequestParts } from './user-agent.ts';

/** The next request of ours in a dialog (§12.2.1.1). */
export function requestWithin(
  dialog: Dialog,
  method: string,
  headers: readonly HeaderLine[] = [],
  body?: string,
): RequestParts {
  if (method !== 'ACK') dialog.localSequence += 1;
  const { requestUri, routes } = routed(dialog);
  return {
    method,
    uri: requestUri,
    from: dialog.local,
    to: dialog.remote,
    callId: dialog.callId,
    sequence: dialog.localSequence,
    routes,
    headers,
    ...(body === undefined ? undefined : { body }),
  };
}
