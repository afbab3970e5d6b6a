/**
 * The addresses of this machine, and which of them the default route gives: what goes into Contact and SDP when
 * nobody says otherwise.
 */
import { networkInterfaces } from 'node:os';
import type { LocalInterface } from '../sip/endpoint-config.ts';

export interface LocalAddresses {
  readonly defaultAddresses: { readonly ipv4?: string; readonly ipv6?: string };
  readonly interfaces: readonly LocalInterface[];
}

/** Documentation addresses (RFC 5737, RFC 3849): a connected UDP socket sends nothing, it only asks for a route. */
const FAR_IPV4 = '198.51.100.1';
const FAR_IPV6 = '2001:db8::1';
const DISCARD_PORT = 9;

/** Asks the kernel. Without a default route the first address that is not loopback serves, or none. */
export async function findLocalAddresses(): Promise<LocalAddresses> {
  const interfaces: LocalInterface[] = [];
  const outward: Record<'IPv4' | 'IPv6', string | undefined> = { IPv4: undefined, IPv6: undefined };
  for (const infos of Object.values(networkInterfaces())) {
    for (const { address, cidr, family, internal } of infos ?? []) {
      if (cidr !== null)
        interfaces.push({ address, prefixLength: Number(cidr.slice(cidr.indexOf('/') + 1)) });
      if (!internal && !address.startsWith('fe80:')) outward[family] ??= address;
    }
  }
  const ipv4 = (await sourceTowards(FAR_IPV4)) ?? outward.IPv4;
  const ipv6 = (await sourceTowards(FAR_IPV6)) ?? outward.IPv6;
  return {
    defaultAddresses: { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) },
    interfaces,
  };
}

/** The source address that the routing table picks; undefined when there is no route. */
async function sourceTowards(far: string): Promise<string | undefined> {
  try {
    const socket = await Bun.udpSocket({ connect: { hostname: far, port: DISCARD_PORT } });
    const { address } = socket.address;
    socket.close();
    return address;
  } catch {
    return undefined;
  }
}
