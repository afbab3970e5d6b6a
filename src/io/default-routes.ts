/** What the kernel says of the ways out: default routes, and how long a packet may be. Undefined where it has no such files (macOS, Windows). */
import { readFile } from 'node:fs/promises';
import { type DefaultRoute, ipv4DefaultRoutes, ipv6DefaultRoutes } from '../doctor/routes.ts';

/** The default routes, IPv4 first. */
export async function readDefaultRoutes(): Promise<readonly DefaultRoute[] | undefined> {
  const table = await readFile('/proc/net/route', 'utf8').catch(() => undefined);
  if (table === undefined) return undefined;
  // Without IPv6 in the kernel there is no such file.
  const table6 = await readFile('/proc/net/ipv6_route', 'utf8').catch(() => '');
  return [...ipv4DefaultRoutes(table), ...ipv6DefaultRoutes(table6)];
}

/** The longest packet of an interface, in bytes. */
export async function readMtu(name: string): Promise<number | undefined> {
  // A name is a folder there, and could be anything.
  if (!/^[\w.:-]{1,15}$/.test(name)) return undefined;
  const text = await readFile(`/sys/class/net/${name}/mtu`, 'utf8').catch(() => '');
  return /^\d+\s*$/.test(text) ? Number(text) : undefined;
}
