/** What the kernel says of the ways out. */
import { readFile } from 'node:fs/promises';
import { type DefaultRoute, ipv4DefaultRoutes, ipv6DefaultRoutes } from '../doctor/routes.ts';

/** The default routes, IPv4 first; undefined where the kernel has no such files (macOS, Windows). */
export async function readDefaultRoutes(): Promise<readonly DefaultRoute[] | undefined> {
  const table = await readFile('/proc/net/route', 'utf8').catch(() => undefined);
  if (table === undefined) return undefined;
  // Without IPv6 in the kernel there is no such file.
  const table6 = await readFile('/proc/net/ipv6_route', 'utf8').catch(() => '');
  return [...ipv4DefaultRoutes(table), ...ipv6DefaultRoutes(table6)];
}
