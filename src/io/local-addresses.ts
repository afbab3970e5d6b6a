/**
 * The addresses of this machine, and which of them the kernel sends from: what goes into Contact and SDP when nobody
 * says otherwise.
 *
 * Why a connected UDP socket and not the routing table: it sends nothing, it is the same on Linux, macOS and Windows, and
 * its answer has in it what no table says (policies, tunnels, RFC 6724). Bun opens it at once, so that the answer is
 * there when a message is being written; it takes some 20 µs.
 */
import { networkInterfaces } from 'node:os';
import type { LocalAddresses, LocalInterface } from '../sip/endpoint-config.ts';
import { addressFamily, isUnspecified } from '../sip/ip-address.ts';

/** Documentation addresses (RFC 5737, RFC 3849): only the default route leads there. */
const FAR_IPV4 = '198.51.100.1';
const FAR_IPV6 = '2001:db8::1';
const DISCARD_PORT = 9;

/** Throws an `Error` with a sentence for people: on Linux the kernel is asked by netlink, which a sandbox may forbid. */
export function ownInterfaces(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The addresses of this machine cannot be read: ${why}. In a sandbox, allow AF_NETLINK (RestrictAddressFamilies= in a systemd unit).`,
    );
  }
}

/** Asks the kernel. Without a default route the first address that is not loopback serves, or none. Throws as above. */
export function findLocalAddresses(): LocalAddresses {
  const interfaces: LocalInterface[] = [];
  const outward: Record<'IPv4' | 'IPv6', string | undefined> = { IPv4: undefined, IPv6: undefined };
  for (const [name, infos] of Object.entries(ownInterfaces())) {
    for (const { address, cidr, family, internal } of infos ?? []) {
      const linkLocal = address.startsWith('fe80:');
      if (cidr !== null) {
        const prefixLength = Number(cidr.slice(cidr.indexOf('/') + 1));
        interfaces.push({ address, prefixLength, ...(linkLocal ? { zone: name } : undefined) });
      }
      if (!internal && !linkLocal) outward[family] ??= address;
    }
  }
  const ipv4 = sourceTowards(FAR_IPV4) ?? outward.IPv4;
  const ipv6 = sourceTowards(FAR_IPV6) ?? outward.IPv6;
  return {
    defaultAddresses: { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) },
    interfaces,
  };
}

/** Whether we are bound to one address, which is the one to be reached at then, whatever the routes say. */
export function isOneAddress(bind: string | undefined): boolean {
  return bind !== undefined && !isUnspecified(bind);
}

/** What of the machine's addresses is ours: all, those of IPv4 (`0.0.0.0`), or the one that we are bound to. */
export function addressesOf(bind: string | undefined, found: LocalAddresses): LocalAddresses {
  if (bind === undefined || bind === '::') return found;
  const family = bind.includes(':') ? 'ipv6' : 'ipv4';
  // A zone is no part of an address that others are told (RFC 4007 §11.2).
  const [bare = bind] = bind.split('%', 1);
  if (isOneAddress(bind)) return { defaultAddresses: { [family]: bare }, interfaces: [] };
  const address = found.defaultAddresses[family];
  return {
    defaultAddresses: address === undefined ? {} : { [family]: address },
    interfaces: found.interfaces.filter((one) => addressFamily(one.address) === family),
  };
}

/** What a socket that speaks to that address is bound to: Bun takes one of IPv4 unless it is told, and cannot send then. */
export function anyAddressFor(peer: string): '::' | '0.0.0.0' {
  return peer.includes(':') ? '::' : '0.0.0.0';
}

/** The address that the kernel sends from to that numeric one; undefined when there is no route. */
export function sourceTowards(peer: string): string | undefined {
  try {
    const connect = { hostname: peer, port: DISCARD_PORT };
    const opening = Bun.udpSocket({ hostname: anyAddressFor(peer), connect });
    const socket = Bun.peek(opening);
    if (socket instanceof Promise) {
      // Never seen: a numeric address is looked up nowhere. Then the interfaces answer.
      void socket.then((late) => late.close()).catch(() => {});
      return undefined;
    }
    const { address } = socket.address;
    socket.close();
    return address;
  } catch {
    return undefined;
  }
}
