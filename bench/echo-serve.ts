/**
 * The measured processes of the echo benchmark, without SIP: our media thread with N open calls, or the least
 * that Bun can do, a callback that returns what it gets.
 *
 *     bun bench/echo-serve.ts ringback|bare CALLS PORT
 *
 * Listens on even ports from PORT on, past those that others have, and prints the list once all calls are open.
 */
import { startMedia } from '../src/io/media.ts';

/** As many ports as may be in use by others between ours. */
const SPARE_PORTS = 1_000;

async function ringback(calls: number, port: number): Promise<number[]> {
  const ports: number[] = [];
  const media = startMedia({
    threads: 1,
    rtpPorts: [port, port + 2 * calls + SPARE_PORTS],
    maxCalls: calls,
    reserve: calls,
    onReport: (report) => {
      if (report.type !== 'ports') return;
      for (const bound of report.ports) {
        if (ports.length === calls) return;
        media.send([{ type: 'open', session: session(ports.push(bound) - 1, bound) }]);
      }
    },
  });
  await media.ready;
  return ports;
}

function session(slot: number, port: number) {
  const payloads = [{ type: 0, name: 'PCMU', clockRate: 8000 }];
  const common = { rtcpMux: false, send: true, receive: true, payloads, cname: 'bench' };
  return { slot, port, ssrc: 0x4000_0000 + slot, ...common };
}

async function bare(calls: number, port: number): Promise<number[]> {
  const ports: number[] = [];
  for (let next = port; ports.length < calls && next < port + 2 * calls + SPARE_PORTS; next += 2) {
    try {
      await Bun.udpSocket({
        hostname: '0.0.0.0',
        port: next,
        socket: {
          data: (socket, bytes, from, address) => void socket.send(bytes, from, address),
          error: () => {},
        },
      });
      ports.push(next);
    } catch {
      // Somebody has it: the next one.
    }
  }
  return ports;
}

const [kind, calls, port] = process.argv.slice(2);
const ports = await (kind === 'ringback' ? ringback : bare)(Number(calls), Number(port));
if (ports.length !== Number(calls))
  throw new Error(`only ${ports.length} of ${calls} ports from ${port} on are free`);
console.log(ports.join(','));
