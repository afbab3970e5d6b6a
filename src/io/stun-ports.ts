/**
 * Where a STUN server sees the RTP and RTCP ports of one media thread (RFC 8489): asked for every port of the reserve
 * before a call needs it, and again before a NAT forgets, so that an answer can name the mapping at once.
 *
 * Why slowly: a reserve is 128 sockets, and a server that many use should not meet them all in one millisecond.
 */
import type { MappedPort, MediaAddress, MediaReport } from '../rtp/session.ts';
import { BindingClient, type BindingStep } from '../stun/binding-client.ts';
import { parseStun } from '../stun/parse-stun.ts';
import { fromSocketForm, toSocketForm } from './media-calls.ts';
import type { Component, PortPair, RtpPorts } from './rtp-ports.ts';

/** Questions that go out at once, and how long after them the next ones, in ms. */
const BURST = 4;
const BURST_INTERVAL_MS = 20;
/** What a test does not want to wait for. */
export interface StunPortsTiming {
  /** How often a port that waits is asked for: many NATs forget UDP after 30 s (RFC 4787 §4.3). */
  readonly refreshMs: number;
  /** How soon it is noticed that a port was bound or came back. */
  readonly lookMs: number;
}

const TIMING: StunPortsTiming = { refreshMs: 25_000, lookMs: 250 };

/** One socket, and what is known of it. */
interface Asked {
  readonly pair: PortPair;
  readonly component: Component;
  dueMs: number;
  mapped: MediaAddress | undefined;
}

/** The ports of one thread, as a NAT shows them. */
export interface StunPorts {
  /** Asks that server about every port, also about those that calls have; undefined: no more. */
  use(server: MediaAddress | undefined): void;
  /** A STUN message on one of the sockets. Requests of others are not answered: that is ICE, and none was offered. */
  received(pair: PortPair, component: Component, bytes: Buffer, port: number, address: string): void;
}

/** Asks nobody until `use`. */
export function openStunPorts(
  ports: RtpPorts,
  post: (report: MediaReport) => void,
  { refreshMs, lookMs }: StunPortsTiming = TIMING,
): StunPorts {
  const known = new Map<PortPair, Record<Component, Asked>>();
  const client = new BindingClient<Asked>(() => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0);
  let server: MediaAddress | undefined;
  let cancel: (() => void) | undefined;

  /** What stands in the report of a pair now. */
  function mappingOf({ rtp, rtcp }: Record<Component, Asked>): MappedPort | undefined {
    if (rtp.mapped === undefined) return undefined;
    // RTCP at another address has no place in a=rtcp of ours, and is not seen in practice.
    if (rtcp.mapped?.address !== rtp.mapped.address) return rtp.mapped;
    return { ...rtp.mapped, rtcpPort: rtcp.mapped.port };
  }

  function learn(asked: Asked, mapped: MediaAddress | undefined): void {
    const before = asked.mapped;
    asked.mapped = mapped;
    if (before?.address === mapped?.address && before?.port === mapped?.port) return;
    const pair = known.get(asked.pair);
    if (pair === undefined) return;
    const mapping = mappingOf(pair);
    const { port } = asked.pair;
    post({ type: 'port-mapped', port, ...(mapping === undefined ? {} : { mapped: mapping }) });
  }

  function send({ owner, bytes }: Extract<BindingStep<Asked>, { type: 'send' }>): void {
    if (server === undefined) return;
    const to = toSocketForm(server, ports.dualStack);
    // What does not go out, by an ICMP error of earlier, is asked again.
    owner.pair[owner.component].send(bytes, to.port, to.address);
  }

  /** Takes in the pairs that were bound since, and lets go of those that were closed. */
  function look(nowMs: number): Asked[] {
    const gone = new Set(known.keys());
    const due: Asked[] = [];
    for (const { pair, idle } of ports.all()) {
      gone.delete(pair);
      let both = known.get(pair);
      if (both === undefined) {
        const fresh = (component: Component): Asked => ({ pair, component, dueMs: 0, mapped: undefined });
        both = { rtp: fresh('rtp'), rtcp: fresh('rtcp') };
        known.set(pair, both);
      }
      for (const asked of [both.rtp, both.rtcp]) {
        // RTP keeps the mapping of a port that a call has; it is asked for when the server is named anew.
        if (asked.dueMs <= nowMs && (idle || asked.dueMs === 0)) due.push(asked);
      }
    }
    for (const pair of gone) {
      const both = known.get(pair);
      if (both !== undefined) for (const asked of [both.rtp, both.rtcp]) client.forget(asked);
      known.delete(pair);
    }
    return due;
  }

  function tick(): void {
    cancel = undefined;
    if (server === undefined) return;
    const nowMs = performance.now();
    for (const step of client.advance(nowMs)) {
      if (step.type === 'send') send(step);
      else learn(step.owner, undefined);
    }
    const due = look(nowMs);
    for (const asked of due.slice(0, BURST)) {
      asked.dueMs = nowMs + refreshMs;
      send(client.ask(asked, server, nowMs));
    }
    const inMs = due.length > BURST ? BURST_INTERVAL_MS : lookMs;
    const nextMs = client.nextMs() ?? Number.POSITIVE_INFINITY;
    cancel = ports.after(Math.max(1, Math.min(inMs, nextMs - nowMs)), tick);
  }

  function use(named: MediaAddress | undefined): void {
    server = named;
    cancel?.();
    cancel = undefined;
    for (const both of known.values()) {
      for (const asked of [both.rtp, both.rtcp]) {
        asked.dueMs = 0;
        client.forget(asked);
        if (named === undefined) learn(asked, undefined);
      }
    }
    tick();
  }

  return {
    use,
    received(pair, component, bytes, port, address) {
      const parsed = parseStun(bytes);
      const asked = known.get(pair)?.[component];
      if (!parsed.ok || asked === undefined) return;
      const answer = client.receive(parsed.value, { address: fromSocketForm(address), port });
      // On another socket than the one that asked, an answer says nothing.
      if (answer?.owner !== asked) return;
      learn(asked, answer.verdict.type === 'mapped' ? answer.verdict.mapped : undefined);
    },
  };
}
