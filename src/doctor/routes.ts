/**
 * The default routes, as Linux lists them (`/proc/net/route`, `/proc/net/ipv6_route`; formats: proc(5) and the
 * kernel's fib_route_seq_show, rt6_info_route).
 */
import { addressText } from '../address-bytes.ts';
import type { Facing } from './addresses.ts';
import { type Finding, listed } from './check.ts';

/** One way to everywhere. */
export interface DefaultRoute {
  readonly family: 'IPv4' | 'IPv6';
  /** The router; absent on a point-to-point link. */
  readonly via?: string;
  readonly name: string;
  /** The lowest wins. */
  readonly metric: number;
}

const RTF_UP = 0x0001;
const RTF_GATEWAY = 0x0002;
const RTF_REJECT = 0x0200;
/** Rows that are looked at: a router of the internet's core has a million. */
const MAX_ROWS = 10_000;

/** `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, numbers in hexadecimal, bytes of addresses in the order of the machine: little-endian wherever ringback runs. */
export function ipv4DefaultRoutes(table: string): readonly DefaultRoute[] {
  return rows(table).flatMap(([name = '', destination, gateway = '', flags = '', , , metric = '', mask]) => {
    const bits = Number.parseInt(flags, 16);
    if (destination !== '00000000' || mask !== '00000000' || (bits & RTF_UP) === 0) return [];
    if ((bits & RTF_REJECT) !== 0) return [];
    const via = (bits & RTF_GATEWAY) === 0 ? {} : { via: addressText(bytesOf(gateway).reverse()) };
    return [{ family: 'IPv4' as const, ...via, name, metric: Number(metric) }];
  });
}

/** `destination length source length next-hop metric refcount use flags name`, all in hexadecimal. */
export function ipv6DefaultRoutes(table: string): readonly DefaultRoute[] {
  const zero = '0'.repeat(32);
  return rows(table).flatMap(([to, length, , , hop = '', metric = '', , , flags = '', name = '']) => {
    const bits = Number.parseInt(flags, 16);
    if (to !== zero || length !== '00' || (bits & RTF_UP) === 0 || (bits & RTF_REJECT) !== 0) return [];
    const via = hop === zero ? {} : { via: addressText(bytesOf(hop)) };
    return [{ family: 'IPv6' as const, ...via, name, metric: Number.parseInt(metric, 16) }];
  });
}

function rows(table: string): string[][] {
  return table
    .split('\n', MAX_ROWS)
    .map((row) => row.trim().split(/\s+/))
    .filter(({ length }) => length >= 8);
}

/** The bytes of an address in hexadecimal, two digits each. */
function bytesOf(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** `routes` undefined: this system does not say. `facing`: the servers that calls go by; absent: anybody. */
export function judgeRoutes(
  routes: readonly DefaultRoute[] | undefined,
  facing: readonly Facing[] = [],
): Finding {
  const check = 'default-route';
  if (routes === undefined) {
    return { check, verdict: 'unknown', evidence: 'this system does not list its routes in /proc/net' };
  }
  const best = (['IPv4', 'IPv6'] as const).flatMap((family) => {
    const own = routes.filter((route) => route.family === family).toSorted((a, b) => a.metric - b.metric);
    return own.length === 0 ? [] : [own];
  });
  if (best.length === 0 && facing.length > 0 && facing.every(({ source }) => source !== undefined)) {
    const servers = listed(facing.map(({ server }) => server));
    return { check, verdict: 'note', evidence: `none; ${servers} is reached without one` };
  }
  if (best.length === 0) {
    return {
      check,
      verdict: 'warning',
      evidence: 'no default route, neither IPv4 nor IPv6',
      cause: 'DHCP gave no router, or this network is closed on purpose',
      next: 'for a server elsewhere add one: ip route add default via ROUTER',
    };
  }
  const said = best.map((own) => {
    const [{ family, via, name } = { family: '', via: undefined, name: '' }, ...rest] = own;
    const others = rest.length === 0 ? '' : ` (then ${rest.map((route) => route.name).join(', ')})`;
    return `${family} ${via === undefined ? 'on' : `via ${via} on`} ${name}${others}`;
  });
  const missing = best.length === 2 ? '' : `; no ${said[0]?.startsWith('IPv4') ? 'IPv6' : 'IPv4'}`;
  return { check, verdict: 'ok', evidence: `${said.join('; ')}${missing}` };
}
