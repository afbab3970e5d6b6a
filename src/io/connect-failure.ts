/** Why no connection came up, in words: Bun says the same of several reasons. */
import { sourceTowards } from './local-addresses.ts';

/** In words: Bun's own message is "Failed to connect" whatever the reason. */
export function connectFailure(error: unknown, address: string): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  // Bun says so of a host that is not there, and of a machine without a network, as well; the latter can be asked.
  if (code === 'ECONNREFUSED' && sourceTowards(address) !== undefined) {
    return 'connection refused, or no way leads there';
  }
  if (code === 'ECONNREFUSED') return 'no route to the host';
  if (code === 'ETIMEDOUT') return 'no answer to the connection';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'no route to the host';
  const message = error instanceof Error ? error.message : String(error);
  return code === '' ? message : `${message} (${code})`;
}
