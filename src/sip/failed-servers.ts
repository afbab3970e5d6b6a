/**
 * Servers that failed of late, and are tried last (RFC 3263 §4.3, RFC 3261 §21.5.4).
 *
 * RFC 3263 sends the request that met the failure to the next server. Why it is remembered beyond that: a server that
 * is silent costs each request 32 s to find out, also the call after the one that did. It is only an order: when all
 * have failed, or there is but one, it is tried as before. A response of any kind other than 503 ends it.
 */
import { type Flow, hopOfFlow, type ServerHop } from './flow.ts';
import { wayOf } from './large-request.ts';
import { MAX_FAILED_SERVERS } from './limits.ts';
import { type SipResponse, value } from './message.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { Indication } from './transaction.ts';

/** How long a failure counts, in ms: longer than a call that is placed again, shorter than most outages. */
export const FAILED_SERVER_MS = 300_000;
/** The longest Retry-After of a 503 that is believed, in ms. */
const LONGEST_RETRY_MS = 3_600_000;

export class FailedServers {
  /** Until when each counts as failed, the one that failed longest ago first. */
  private readonly untilMs = new Map<string, number>();

  /** Learns from what became of a request of ours. */
  learn(indication: Indication<unknown>, nowMs: number): void {
    const { transaction } = indication;
    if (transaction.side === 'server') return;
    const failedMs = indication.type === 'response' ? retryMs(indication.response) : FAILED_SERVER_MS;
    if (failedMs !== undefined) this.note(wayOf(transaction), nowMs + failedMs);
    else if (this.untilMs.size > 0) this.untilMs.delete(keyOf(hopOfFlow(wayOf(transaction))));
  }

  /** The same servers, those that failed of late behind the others. */
  order(servers: readonly ServerHop[], nowMs: number): readonly ServerHop[] {
    if (this.untilMs.size === 0) return servers;
    const failed = (server: ServerHop) => (this.untilMs.get(keyOf(server)) ?? 0) > nowMs;
    return [...servers.filter((one) => !failed(one)), ...servers.filter(failed)];
  }

  private note(flow: Flow, untilMs: number): void {
    const key = keyOf(hopOfFlow(flow));
    this.untilMs.delete(key);
    this.untilMs.set(key, untilMs);
    const [oldest] = this.untilMs.keys();
    if (this.untilMs.size > MAX_FAILED_SERVERS && oldest !== undefined) this.untilMs.delete(oldest);
  }
}

/** How long a server that answers so is to be left alone, in ms; undefined when it is well. */
function retryMs(response: SipResponse): number | undefined {
  if (response.status !== 503) return undefined;
  const after = parseRetryAfter(value(response, 'Retry-After') ?? '');
  return after.ok ? Math.min(after.value.seconds * 1000, LONGEST_RETRY_MS) : FAILED_SERVER_MS;
}

function keyOf({ transport, address, port }: ServerHop): string {
  return `${transport} ${address} ${port}`;
}
