/**
 * Whether somebody says that nobody is there (ICMP port unreachable), for one UDP address.
 *
 * Why a socket beside the endpoint's: that one has several peers, and the system does not say whose an error is; a
 * connected one has one peer. What it sends is a keepalive (RFC 5626 §3.5.1), which every server passes over.
 */
import type { SocketAddress } from '../sip/flow.ts';
import { anyAddressFor } from './local-addresses.ts';

const KEEPALIVE = '\r\n\r\n';
/** One may be lost. */
const TRIES = 2;

/** Resolves to true when an error comes within `limitMs`, else to false. */
export async function isRefused({ address, port }: SocketAddress, limitMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = await connected(address, port, () => resolve(true));
  if (socket === undefined) return false;
  const send = () => {
    try {
      socket.send(KEEPALIVE);
    } catch {
      // The error of the last one (listenUdp has the same).
      resolve(true);
    }
  };
  const timers = Array.from({ length: TRIES }, (_, index) => setTimeout(send, (index * limitMs) / TRIES));
  timers.push(setTimeout(() => resolve(false), limitMs));
  try {
    return await promise;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    socket.close();
  }
}

/** Undefined where no route leads: the endpoint's own socket says that. */
async function connected(hostname: string, port: number, error: () => void) {
  try {
    const connect = { hostname, port };
    return await Bun.udpSocket({ hostname: anyAddressFor(hostname), connect, socket: { error } });
  } catch {
    return undefined;
  }
}
