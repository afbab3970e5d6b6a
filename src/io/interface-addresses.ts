/** The addresses of this machine with the names of their interfaces, and how long a packet may be on each: for `doctor`. */
import { readFile } from 'node:fs/promises';
import type { InterfaceAddress } from '../doctor/addresses.ts';
import { ownInterfaces } from './local-addresses.ts';

/** All of them, loopback and link-local too. Rejects with an `Error` for people where they may not be read. */
export async function interfaceAddresses(): Promise<readonly InterfaceAddress[]> {
  const named = Object.entries(ownInterfaces()).map(async ([name, infos = []]) => {
    const mtu = await readMtu(name);
    return infos.map(({ address, cidr }) => ({
      name,
      address,
      prefixLength: Number(cidr?.split('/')[1] ?? 0),
      mtu,
    }));
  });
  return (await Promise.all(named)).flat();
}

/** The longest packet of an interface, in bytes; undefined where the kernel has no such file (macOS, Windows). */
async function readMtu(name: string): Promise<number | undefined> {
  // A name is a folder there, and could be anything.
  if (!/^[\w.:-]{1,15}$/.test(name)) return undefined;
  const text = await readFile(`/sys/class/net/${name}/mtu`, 'utf8').catch(() => '');
  return /^\d+\s*$/.test(text) ? Number(text) : undefined;
}
