/**
 * Servers that failed of late, and are tried last (RFC 3263 §4.3, RFC 3261 §21.5.4).
 *
 * RFC 3263 sends the request that met the failure to the next server. Why it is remembered beyond that: a server that
 * is silent costs each request 32 s to find out, also the call after the one that did. It is only an order: when all
 * have failed, or there is but one, it is tried as before. A response of any kind other than 503 ends it. Only one thing
 * is more than an order: what stands behind a server that did not prove who it is (bid-down.ts).
 */
import { withoutWayDown } from './bid-down.ts';
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

interface Failure {
  readonly untilMs: number;
  /** It did not prove over TLS who it is. */
  readonly unproven: boolean;
}

/** At most `MAX_FAILED_SERVERS`; one for all requests of an endpoint. */
export class FailedServers {
  /** The one that failed longest ago first. */
  private readonly failures = new Map<string, Failure>();

  /** Learns from what became of a request of ours. */
  learn(indication: Indication<unknown>, nowMs: number): void {
    const { transaction } = indication;
    if (transaction.side === 'server') return;
    const failedMs = indication.type === 'response' ? retryMs(indication.response) : FAILED_SERVER_MS;
    if (failedMs !== undefined) this.note(wayOf(transaction), nowMs + failedMs);
    else if (this.failures.size > 0) this.failures.delete(keyOf(hopOfFlow(wayOf(transaction))));
  }

  /** A server did not prove over TLS who it is. Told before its requests fail: `learn` leaves it as it is. */
  distrust(flow: Flow, nowMs: number): void {
    this.note(flow, nowMs + FAILED_SERVER_MS, true);
  }

  /** The same servers, those that failed of late behind the others; without those that are a way down from TLS. */
  order(servers: readonly ServerHop[], nowMs: number): readonly ServerHop[] {
    if (this.failures.size === 0) return servers;
    const failure = (server: ServerHop) => {
      const known = this.failures.get(keyOf(server));
      return known !== undefined && known.untilMs > nowMs ? known : undefined;
    };
    const unproven = servers.findIndex((one) => failure(one)?.unproven === true);
    const kept = unproven < 0 ? servers : withoutWayDown(servers, unproven);
    return [
      ...kept.filter((one) => failure(one) === undefined),
      ...kept.filter((one) => failure(one) !== undefined),
    ];
  }

  private note(flow: Flow, untilMs: number, unproven = false): void {
    const key = keyOf(hopOfFlow(flow));
    const known = this.failures.get(key);
    this.failures.delete(key);
    this.failures.set(key, { untilMs, unproven: unproven || known?.unproven === true });
    const [oldest] = this.failures.keys();
    if (this.failures.size > MAX_FAILED_SERVERS && oldest !== undefined) this.failures.delete(oldest);
  }
}

/** How long a server that answers so is to be left alone, in ms; undefined when it is well. */
function retryMs(response: SipResponse): number | undefined {
  if (response.status !== 503) return undefined;
  const after = parseRetryAfter(value(response, 'Retry-After') ?? '');
  return after.ok ? Math.min(after.value.seconds * 1000, LONGEST_RETRY_MS) : FAILED_SERVER_MS;
}

/** With the name that it has to prove: one address may serve two, and prove but one of them. */
function keyOf({ transport, address, port, domain = '' }: ServerHop): string {
  return `${transport} ${address} ${port} ${domain.toLowerCase()}`;
}
