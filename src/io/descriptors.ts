/**
 * Who gets how many of the descriptors that the process may have (RLIMIT_NOFILE in getrlimit(2)): calls take two each,
 * for RTP and RTCP, and every connection one.
 *
 * Why it is reckoned at the start: with none left nobody can be taken in and closed again, and Bun's listener asks for
 * the waiting one over and over, a core of it. Bun raises the soft limit to the hard one by itself.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { DescriptorShare } from '../sip/endpoint-config.ts';
import { MAX_CONNECTIONS } from '../sip/limits.ts';

/** Pairs of ports that wait for calls. */
export const MAX_RESERVE = 64;
/** Listeners, threads, DNS, recordings, who looks on by the control socket, and what nobody thought of. */
const OTHERS = 64;
/** One of others, one of ours, and a quarter for handshakes that are not through (tcp-connections.ts). */
const A_CONNECTION = 2.25;
/** Of what is left, connections get no less than this, however many calls are wanted. */
const LEAST_SHARE = 1 / 4;

/** What a driver is given. */
export interface DescriptorShares {
  /** Absent where no call has audio of ours. */
  readonly maxCalls?: number;
  /** Pairs of ports that wait for calls. */
  readonly reserve: number;
  /** Absent when there is enough of everything. */
  readonly share?: DescriptorShare;
}

/** `maxCalls`: those that are wanted; 0 where no call has audio of ours. `system`: for tests. */
export function shareDescriptors(maxCalls: number, system = openDescriptors()): DescriptorShares {
  const { limit, used } = system;
  const calls = maxCalls === 0 ? {} : { maxCalls };
  const plenty = { ...calls, reserve: MAX_RESERVE };
  if (limit === undefined) return plenty;
  const free = Math.max(0, limit - used - OTHERS);
  const wanted = maxCalls === 0 ? 0 : 2 * (maxCalls + MAX_RESERVE);
  const forConnections = Math.max(free * LEAST_SHARE, free - wanted);
  const connections = clamp(Math.floor(forConnections / A_CONNECTION), MAX_CONNECTIONS);
  const pairs = Math.floor((free - A_CONNECTION * connections) / 2);
  if (connections === MAX_CONNECTIONS && 2 * pairs >= wanted) return plenty;
  const share = { openFiles: limit, connections };
  if (maxCalls === 0) return { reserve: MAX_RESERVE, share };
  const reserve = clamp(Math.max(Math.floor(pairs / 4), pairs - maxCalls), MAX_RESERVE);
  const fewer = clamp(pairs - reserve, maxCalls);
  return { maxCalls: fewer, reserve, share: fewer < maxCalls ? { ...share, fewerCalls: true } : share };
}

/** At least one, and at most so many. */
function clamp(value: number, most: number): number {
  return Math.max(1, Math.min(most, value));
}

/** The limit and how many are open now, before anything is bound; no limit where there is no procfs. */
function openDescriptors(): { readonly limit: number | undefined; readonly used: number } {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return {
      limit: soft === undefined ? undefined : Number(soft),
      used: readdirSync('/proc/self/fd').length,
    };
  } catch {
    return { limit: undefined, used: 0 };
  }
}
