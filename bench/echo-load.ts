/**
 * The load of the echo benchmark, a process of its own whose CPU is not counted: N callers of 20 ms G.711, each
 * packet with the time it was sent in its payload, so that what comes back tells its turn-around.
 *
 *     bun bench/echo-load.ts CALLS PORT,PORT,… SECONDS PACING
 *
 * Each call has a port of the list; when there is only one, all have that. PACING: `spread` sends each packet
 * when it is due, as callers who know nothing of each other do, and spins for it; `bursts` sends what is due
 * once a millisecond, as a program with a timer does. Prints one line of JSON.
 */

/** What one run saw; times in ms. */
export interface LoadResult {
  readonly sent: number;
  readonly received: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const PACKETS_PER_CALL_S = 50;
const RTP_BYTES = 172;
/** The callers share this many sockets, always on the same ports: to the echo they are the same peers each round. */
const SOCKETS = 8;
const FIRST_LOCAL_PORT = 32_000;
/** The most in one go when spread: what came back must be read in time. */
const SPREAD_BURST = 16;

async function load(
  calls: number,
  ports: readonly number[],
  seconds: number,
  spread: boolean,
): Promise<void> {
  const turnaroundsMs: number[] = [];
  const run = Math.floor(Math.random() * 0xffff_ffff);
  const total = calls * PACKETS_PER_CALL_S * seconds;
  let received = 0;
  const sockets = await Promise.all(
    Array.from({ length: SOCKETS }, (_, index) =>
      Bun.udpSocket({
        hostname: '127.0.0.1',
        port: FIRST_LOCAL_PORT + index,
        socket: {
          // Packets that an earlier run left behind are not ours.
          data: (_socket, bytes) => {
            if (bytes.length !== RTP_BYTES || bytes.readUInt32LE(20) !== run) return;
            const sentMs = bytes.readDoubleLE(12);
            received++;
            turnaroundsMs.push(performance.now() - sentMs);
          },
          error: () => {},
        },
      }),
    ),
  );
  const packet = Buffer.alloc(RTP_BYTES, 0xff);
  packet[0] = 0x80;
  packet[1] = 0;
  packet.writeUInt32LE(run, 20);
  // Another SSRC each run: a numbering that starts over is then another stream and no jump (RFC 3550 §8.2).
  const firstSsrc = Math.floor(Math.random() * 0x7fff_0000);
  const startMs = performance.now();
  let sent = 0;

  function sendDue(most: number): void {
    const due = Math.min(
      total,
      Math.floor(((performance.now() - startMs) * calls * PACKETS_PER_CALL_S) / 1000),
    );
    for (let burst = 0; sent < due && burst < most; burst++, sent++) {
      const call = sent % calls;
      const number = Math.floor(sent / calls);
      packet.writeUInt16BE(number & 0xffff, 2);
      packet.writeUInt32BE(number * 160, 4);
      packet.writeUInt32BE(firstSsrc + call, 8);
      packet.writeDoubleLE(performance.now(), 12);
      try {
        sockets[call % SOCKETS]?.send(packet, ports[call % ports.length] ?? 0, '127.0.0.1');
      } catch {
        // An ICMP error of an earlier packet: it is missing in what is received.
      }
    }
  }

  await new Promise<void>((resolve) => {
    const turn = (): void => {
      sendDue(spread ? SPREAD_BURST : total);
      if (performance.now() - startMs > seconds * 1000 + 200) resolve();
      else if (spread) setImmediate(turn);
      else setTimeout(turn, 1);
    };
    turn();
  });
  turnaroundsMs.sort((a, b) => a - b);
  const quantile = (share: number): number => turnaroundsMs[Math.floor(turnaroundsMs.length * share)] ?? 0;
  const result: LoadResult = { sent, received, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
  console.log(JSON.stringify(result));
  process.exit(0);
}

if (import.meta.main) {
  const [calls, ports = '', seconds, pacing] = process.argv.slice(2);
  await load(Number(calls), ports.split(',').map(Number), Number(seconds), pacing === 'spread');
}
