/**
 * The measured processes of the echo benchmark, without SIP: our media thread with N open calls, or the least
 * that Bun can do, a callback that returns what it gets.
 *
 *     bun bench/echo-serve.ts ringback|bare CALLS PORT
 *
 * Listens on PORT, PORT + 2, … and prints "ready".
 */
import { startMedia } from '../src/io/media.ts';

async function ringback(calls: number, port: number): Promise<void> {
  let opened = 0;
  const media = startMedia({
    threads: 1,
    rtpPorts: [port, port + 2 * calls - 1],
    maxCalls: calls,
    reserve: calls,
    onReport: (report) => {
      if (report.type !== 'ports') return;
      for (const bound of report.ports) media.send([{ type: 'open', session: session(opened++, bound) }]);
    },
  });
  await media.ready;
}

function session(slot: number, port: number) {
  const payloads = [{ type: 0, name: 'PCMU', clockRate: 8000 }];
  const common = { rtcpMux: false, send: true, receive: true, payloads, cname: 'bench' };
  return { slot, port, ssrc: 0x4000_0000 + slot, ...common };
}

async function bare(calls: number, port: number): Promise<void> {
  for (let call = 0; call < calls; call++) {
    await Bun.udpSocket({
      hostname: '0.0.0.0',
      port: port + 2 * call,
      socket: {
        data: (socket, bytes, from, address) => void socket.send(bytes, from, address),
        error: () => {},
      },
    });
  }
}

const [kind, calls, port] = process.argv.slice(2);
await (kind === 'ringback' ? ringback : bare)(Number(calls), Number(port));
console.log('ready');
