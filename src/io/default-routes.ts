/** Reads the default routes of this machine; undefined where it has no `/proc/net` (macOS, Windows). */
import { readFile } from 'node:fs/promises';
import { type DefaultRoute, ipv4DefaultRoutes, ipv6DefaultRoutes } from '../doctor/routes.ts';

export async function readDefaultRoutes(): Promise<readonly DefaultRoute[] | undefined> {
  const table = await readFile('/proc/net/route', 'utf8').catch(() => undefined);
  if (table === undefined) return undefined;
  // Without IPv6 in the kernel there is no such file.
  const table6 = await readFile('/proc/net/ipv6_route', 'utf8').catch(() => '');
  return [...ipv4DefaultRoutes(table), ...ipv6DefaultRoutes(table6)];
}
