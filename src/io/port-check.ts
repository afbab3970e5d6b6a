/**
 * Tries ports as the service will bind them, and lets them go at once; asks `/proc` whose a port is that is taken.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import {
  inodeOf,
  type PortOwner,
  type PortState,
  type RtpPortFacts,
  type SipPortFacts,
} from '../doctor/ports.ts';
import { isInUse } from './tcp-connections.ts';

/** Pairs of RTP ports that are tried. */
const RTP_SAMPLE = 16;
/** Processes and open files that are looked at to find an owner. */
const MAX_PROCESSES = 4_000;
const MAX_FILES = 2_000;

type Protocol = 'udp' | 'tcp';

/** The SIP port over both transports. */
export async function checkSipPort(bind: string | undefined, port: number): Promise<SipPortFacts> {
  const [udp, tcp] = await Promise.all([tryPort('udp', bind, port), tryPort('tcp', bind, port)]);
  return { port, udp, tcp };
}

/** Some RTP ports of the range, evenly spread, the first and the last pair among them, each with its RTCP port. */
export async function checkRtpPorts(
  bind: string | undefined,
  range: readonly [number, number],
): Promise<RtpPortFacts> {
  const first = range[0] + (range[0] % 2);
  const pairs = Math.floor((range[1] + 1 - first) / 2);
  const count = Math.min(pairs, RTP_SAMPLE);
  const step = count > 1 ? (pairs - 1) / (count - 1) : 0;
  const even = Array.from({ length: count }, (_, index) => first + 2 * Math.floor(index * step));
  const tried = await Promise.all(
    even
      .flatMap((port) => [port, port + 1])
      .map(async (port) => ({ port, state: await tryPort('udp', bind, port) })),
  );
  return { range, tried };
}

async function tryPort(protocol: Protocol, bind: string | undefined, port: number): Promise<PortState> {
  try {
    // As the listeners do it: one socket for both families, and 0.0.0.0 on a machine without IPv6.
    if (bind !== undefined) await open(protocol, bind, port);
    else
      await open(protocol, '::', port).catch((error) =>
        isInUse(error) ? Promise.reject(error) : open(protocol, '0.0.0.0', port),
      );
    return { state: 'free' };
  } catch (error) {
    if (!isInUse(error))
      return { state: 'refused', why: error instanceof Error ? error.message : String(error) };
    const owner = await ownerOf(protocol, port).catch(() => undefined);
    return owner === undefined ? { state: 'taken' } : { state: 'taken', owner };
  }
}

async function open(protocol: Protocol, hostname: string, port: number): Promise<void> {
  if (protocol === 'udp') (await Bun.udpSocket({ hostname, port })).close();
  else Bun.listen({ hostname, port, socket: { data() {} } }).stop(true);
}

/** Who has it; undefined when the system does not say, as it does not of other users' programs. */
async function ownerOf(protocol: Protocol, port: number): Promise<PortOwner | undefined> {
  for (const table of [protocol, `${protocol}6`]) {
    const text = await readFile(`/proc/net/${table}`, 'utf8').catch(() => '');
    const inode = inodeOf(text, port, protocol);
    if (inode === undefined || inode === '0') continue;
    return processWith(`socket:[${inode}]`);
  }
  return undefined;
}

async function processWith(link: string): Promise<PortOwner | undefined> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).slice(0, MAX_PROCESSES);
  for (const pid of pids) {
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const file of files.slice(0, MAX_FILES)) {
      const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '');
      if (target !== link) continue;
      const program = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
      return { pid: Number(pid), program: program.trim() };
    }
  }
  return undefined;
}
