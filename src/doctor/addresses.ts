/**
 * The addresses of this machine, and the one that faces the server: what goes into Contact and SDP.
 *
 * Why the second is a check of its own: with several interfaces or a VPN the address of the default route is not
 * always the one that packets to the server leave with.
 */
import { isLinkLocal, isLoopback } from '../sip/ip-address.ts';
import { type Finding, listed } from './check.ts';

/** One address of an interface. */
export interface InterfaceAddress {
  readonly name: string;
  readonly address: string;
  /** In bits. */
  readonly prefixLength: number;
  /** The longest packet of its link, in bytes, where the system says it. */
  readonly mtu?: number | undefined;
}

/** What the machine has. */
export interface AddressFacts {
  readonly interfaces: readonly InterfaceAddress[];
  /** `--bind`. */
  readonly bind?: string | undefined;
  /** The servers that calls go by; absent: calls may come from anywhere. */
  readonly facing?: readonly Facing[] | undefined;
}

/** Which address packets to a server leave with, as the kernel says; no `source`: it knows no way there. */
export interface Facing {
  readonly server: string;
  readonly source?: string | undefined;
}

const has = (interfaces: readonly InterfaceAddress[], wanted: string) =>
  interfaces.some(({ address }) => address === wanted);
const inWords = ({ name, address, prefixLength }: InterfaceAddress) => `${name} ${address}/${prefixLength}`;

/** Whether this machine has an address that others can reach. */
export function judgeAddresses({ interfaces, bind, facing = [] }: AddressFacts): Finding {
  const check = 'addresses';
  const outward = interfaces.filter(({ address }) => !isLoopback(address) && !isLinkLocal(address));
  const evidence = listed((outward.length > 0 ? outward : interfaces).map(inWords));
  if (bind !== undefined && !has(interfaces, bind) && !isLoopback(bind)) {
    return {
      check,
      verdict: 'failed',
      evidence: `no interface has ${bind}; there are ${evidence || 'none'}`,
      cause: 'the address of --bind is another machine’s, or its interface is down',
      next: 'give --bind an address of this machine, or leave it out',
    };
  }
  if (outward.length > 0) return { check, verdict: 'ok', evidence };
  // A server on this machine needs no more.
  const isOurs = ({ source }: Facing) => source !== undefined && has(interfaces, source);
  if (facing.length > 0 && facing.every(isOurs)) {
    return {
      check,
      verdict: 'note',
      evidence: `${evidence}: enough for ${listed(facing.map(({ server }) => server))}`,
    };
  }
  const selfMade = interfaces.some(({ address }) => isLinkLocal(address) && !address.includes(':'));
  return {
    check,
    verdict: 'warning',
    evidence: `${evidence || 'no address at all'}: nothing that another machine can reach`,
    cause: selfMade
      ? 'DHCP gave no address, so the interface took one of 169.254.0.0/16'
      : 'no network is up: no cable, no Wi-Fi, or a container without one',
    next: 'bring an interface up (ip address shows them), then ask again',
  };
}

/** Which of our addresses faces the servers, the first one first. */
export function judgeFacing(
  facing: readonly Facing[],
  interfaces: readonly InterfaceAddress[],
  advertised: string | undefined,
): Finding {
  const check = 'local-address';
  const withMtu = (finding: Finding) => narrowLink(finding, facing, interfaces) ?? finding;
  const lost = facing.filter(({ source }) => source === undefined).map(({ server }) => server);
  const found = facing.filter(({ source }) => source !== undefined);
  const said = found.map(({ server, source }) => {
    const link = interfaces.find(({ address }) => address === source);
    return `${source}${link === undefined ? '' : ` (${link.name})`} towards ${server}`;
  });
  const shown = advertised === undefined ? '' : `; ${advertised} is told to others (--advertise-ip)`;
  const down = found.find(({ source = '' }) => !isLoopback(source) && !has(interfaces, source));
  if (down !== undefined) {
    return {
      check,
      verdict: 'warning',
      evidence: `${listed(said, 3)}, and no interface that is up has ${down.source}`,
      cause: 'the interface has no link: the cable is out, or the other end is down',
      next: 'look at: ip link',
    };
  }
  if (lost.length === 0) return withMtu({ check, verdict: 'ok', evidence: `${listed(said, 3)}${shown}` });
  const ipv6 = lost.every((server) => server.includes(':'));
  const cause = ipv6
    ? 'this machine has no IPv6 route, and those addresses are IPv6'
    : 'the routing table has no way there: no default route, or a VPN that is down';
  const evidence = [`no route to ${listed(lost, 3)}`, ...(said.length > 0 ? [listed(said, 3)] : [])].join(
    '; ',
  );
  if (found.length === 0) {
    const next = ipv6 ? 'use a server with an IPv4 address, or get IPv6' : `look at: ip route get ${lost[0]}`;
    return { check, verdict: 'failed', evidence, cause, next };
  }
  // Those that are tried first cost time; those that come after are not missed.
  if (facing[0]?.source !== undefined) return { check, verdict: 'note', evidence, cause };
  return { check, verdict: 'warning', evidence, cause, next: `look at: ip route get ${lost[0]}` };
}

/** Below this an INVITE with credentials and a session description is cut into fragments, which NATs and firewalls drop. */
const NARROW_MTU = 1_400;

/** RFC 3261 §18.1.1: a message that nearly fills the path goes over TCP. */
function narrowLink(
  finding: Finding,
  facing: readonly Facing[],
  interfaces: readonly InterfaceAddress[],
): Finding | undefined {
  const links = interfaces.filter(({ address }) => facing.some(({ source }) => source === address));
  const narrow = links.find(({ mtu }) => mtu !== undefined && mtu < NARROW_MTU);
  if (narrow === undefined) return undefined;
  return {
    ...finding,
    verdict: 'note',
    evidence: `${finding.evidence}; ${narrow.name} takes packets of ${narrow.mtu} bytes at most`,
    cause: 'a tunnel, or a link like DSL: long messages over UDP become fragments, which may get lost',
    next: 'if calls fail where OPTIONS works, use --transport tcp',
  };
}
