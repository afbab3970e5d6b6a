/**
 * The RTP ports of one media thread: bound pairs, even for RTP and the next odd one for RTCP (RFC 3550 §11),
 * with a reserve that is always ready.
 *
 * Why a reserve: binding is asynchronous, and answering a call is not. Why the pair of a closed call goes to
 * the end of the queue: packets still on their way to the old call arrive while nobody has the port.
 *
 * STUN is told from RTP and RTCP by its first two bits and its cookie (RFC 7983 §7), and never reaches a call.
 */

import { isStun } from '../stun/message.ts';
import { bunUdpSockets } from './bun-udp-sockets.ts';
import { type EarlyPackets, holdEarly } from './early-packets.ts';
import type { After, BindFailure, SocketHandler, UdpSocket, UdpSockets } from './udp-sockets.ts';

/** What a pair does with what it hears, told to it while it serves a call. */
export interface PairHandler {
  receiveRtp(bytes: Buffer, port: number, address: string): void;
  receiveRtcp(bytes: Buffer, port: number, address: string): void;
  /** An ICMP error for a packet sent from the RTP socket. */
  failed(): void;
}

/** Two bound sockets. What comes while there is no handler is thrown away, but for a few RTP packets. */
export interface PortPair {
  readonly port: number;
  readonly rtp: UdpSocket<PortPair>;
  readonly rtcp: UdpSocket<PortPair>;
  handler: PairHandler | undefined;
  readonly early: EarlyPackets;
}

/** Which socket of a pair. */
export type Component = 'rtp' | 'rtcp';

export interface RtpPortsOptions {
  /** First and last port, both may be used. */
  readonly range: readonly [number, number];
  /** The address to bind to; both families on all interfaces when absent. */
  readonly bind: string | undefined;
  /** How many bound pairs wait for a call. */
  readonly reserve: number;
  /** This thread takes every `threads`th pair, from the `thread`th on. */
  readonly thread: number;
  readonly threads: number;
  /** Pairs that are ready now. */
  readonly onPorts: (ports: readonly number[]) => void;
  /** The whole range was walked and the reserve is not full; said once, until a fill succeeds again. */
  readonly onExhausted: (detail: string) => void;
  /** A STUN message came, whether or not the pair serves a call. */
  readonly onStun?: (
    pair: PortPair,
    component: Component,
    bytes: Buffer,
    port: number,
    address: string,
  ) => void;
}

/** The ports of one thread. */
export interface RtpPorts {
  /** Binds until the reserve is full, or the range is used up. */
  fill(): Promise<void>;
  /** The pair of that port for a call; undefined when it is not one of the reserve. */
  take(port: number): PortPair | undefined;
  /** The call is over: the pair goes back to the reserve. Nobody is told: whoever ended the call knows. */
  giveBack(pair: PortPair): void;
  /** Closes a pair of the reserve. */
  unbind(port: number): void;
  /** Closes every socket, taken or not, and one that is just being bound. */
  close(): Promise<void>;
  /** Every pair that is bound, and whether it waits for a call. */
  all(): Iterable<{ readonly pair: PortPair; readonly idle: boolean }>;
  /** The timer of the loop that serves the sockets. */
  readonly after: After;
  /** Whether sources come as IPv4-mapped IPv6 addresses: the sockets serve both families. */
  readonly dualStack: boolean;
}

/** As many as are told of at once while the reserve fills: the first calls need not wait for the last bind. */
const ANNOUNCE_PAIRS = 16;

/** Nothing is bound yet: call `fill`. */
export function openRtpPorts(options: RtpPortsOptions, sockets: UdpSockets = bunUdpSockets): RtpPorts {
  const { range, reserve, thread, threads, onPorts, onExhausted } = options;
  const firstEven = range[0] + (range[0] % 2);
  const pairsInRange = Math.max(0, Math.floor((range[1] - 1 - firstEven) / 2) + 1);
  const share = Math.max(0, Math.ceil((pairsInRange - thread) / threads));
  const handlers = openHandlers(options.onStun);
  const bound = new Map<number, PortPair>();
  const idle = new Set<PortPair>();
  let hosts = options.bind === undefined ? ['::', '0.0.0.0'] : [options.bind];
  let cursor = 0;
  let filling: Promise<void> | undefined;
  let closed = false;
  /** The last fill found the range used up, and said so. */
  let toldExhausted = false;

  async function bindNext(): Promise<PortPair | string> {
    let reason = 'every pair of the range is in use';
    for (let tries = 0; tries < share; tries++) {
      const port = firstEven + 2 * (thread + threads * cursor);
      cursor = (cursor + 1) % share;
      if (bound.has(port)) continue;
      const pair = await bindPair(port);
      if (!('code' in pair)) return pair;
      reason = pair.message;
      // Descriptors that are used up, or an address that is gone, are no better on the next port.
      if (pair.code !== 'EADDRINUSE' && pair.code !== 'EACCES') break;
    }
    return reason;
  }

  async function bindPair(port: number): Promise<PortPair | BindFailure> {
    let failure: BindFailure = { code: '', message: '' };
    for (const host of hosts) {
      const pair = await bindOn(sockets, host, port, handlers);
      if (!('code' in pair)) {
        // What bound the first pair binds all: a machine does not lose a family, and ports must not differ.
        hosts = [host];
        return pair;
      }
      failure = pair;
      // A port that somebody has says nothing about the family: only another error tries the other one.
      if (pair.code === 'EADDRINUSE') return pair;
    }
    return failure;
  }

  async function fillUp(): Promise<void> {
    let ports: number[] = [];
    let exhausted: string | undefined;
    while (!closed && idle.size < reserve) {
      const pair = await bindNext();
      if (typeof pair === 'string') {
        exhausted = pair;
        break;
      }
      if (closed) return closePair(pair);
      bound.set(pair.port, pair);
      idle.add(pair);
      ports.push(pair.port);
      if (ports.length < ANNOUNCE_PAIRS) continue;
      onPorts(ports);
      ports = [];
    }
    if (ports.length > 0) onPorts(ports);
    // Once, and not for every call that is answered from what is left.
    if (exhausted !== undefined && !toldExhausted)
      onExhausted(`RTP ports ${range[0]} to ${range[1]}: ${exhausted}`);
    toldExhausted = exhausted !== undefined;
  }

  function fill(): Promise<void> {
    filling ??= fillUp().finally(() => {
      filling = undefined;
    });
    return filling;
  }

  function take(port: number): PortPair | undefined {
    const pair = bound.get(port);
    if (pair === undefined || !idle.delete(pair)) return undefined;
    if (idle.size < reserve) void fill();
    return pair;
  }

  function giveBack(pair: PortPair): void {
    pair.handler = undefined;
    idle.add(pair);
  }

  function unbind(port: number): void {
    const pair = bound.get(port);
    if (pair === undefined || !idle.delete(pair)) return;
    bound.delete(port);
    closePair(pair);
  }

  async function close(): Promise<void> {
    closed = true;
    for (const pair of bound.values()) closePair(pair);
    bound.clear();
    idle.clear();
    await filling;
  }

  function* all(): Generator<{ readonly pair: PortPair; readonly idle: boolean }> {
    // Those that wait first, in the order in which calls take them.
    for (const pair of idle) yield { pair, idle: true };
    for (const pair of bound.values()) if (!idle.has(pair)) yield { pair, idle: false };
  }

  return {
    all,
    after: sockets.after,
    fill,
    take,
    giveBack,
    unbind,
    close,
    get dualStack() {
      return hosts[0] === '::';
    },
  };
}

/** Binds both sockets of a pair, or says what the system said of one of them. */
async function bindOn(
  sockets: UdpSockets,
  hostname: string,
  port: number,
  handlers: Record<Component, SocketHandler<PortPair>>,
): Promise<PortPair | BindFailure> {
  const rtp = await sockets.bind(hostname, port, handlers.rtp);
  if ('code' in rtp) return rtp;
  const rtcp = await sockets.bind(hostname, port + 1, handlers.rtcp);
  if ('code' in rtcp) {
    rtp.close();
    return rtcp;
  }
  const pair: PortPair = { port, rtp, rtcp, handler: undefined, early: [] };
  rtp.owner = pair;
  rtcp.owner = pair;
  return pair;
}

/** What the sockets of all pairs do. */
function openHandlers(onStun: RtpPortsOptions['onStun']): Record<Component, SocketHandler<PortPair>> {
  return {
    rtp: {
      data(pair, bytes, port, address) {
        if (isStun(bytes)) onStun?.(pair, 'rtp', bytes, port, address);
        else if (pair.handler !== undefined) pair.handler.receiveRtp(bytes, port, address);
        else holdEarly(pair.early, bytes, port, address, performance.now());
      },
      failed: (pair) => pair.handler?.failed(),
    },
    rtcp: {
      data(pair, bytes, port, address) {
        if (isStun(bytes)) onStun?.(pair, 'rtcp', bytes, port, address);
        else pair.handler?.receiveRtcp(bytes, port, address);
      },
      // A peer without RTCP answers a report with ICMP: that is no fault of the audio, and not counted.
      failed: () => {},
    },
  };
}

function closePair(pair: PortPair): void {
  pair.handler = undefined;
  pair.rtp.close();
  pair.rtcp.close();
}
