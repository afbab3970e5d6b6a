/**
 * A stranger who sends good RTP to ports of somebody else, without end, and counts what comes back. Its own program,
 * because it runs in another network namespace.
 *
 *   bun interop/rtp-flood.ts <own address> <their address> <first port> <ports>      says after each second what came back
 *
 * One stream for each even port, PCMU, a packet every 10 ms: what a scanner that looks for open RTP ports sends.
 */
import { createSocket } from 'node:dgram';

const [own = '', target = '', first = '', count = ''] = process.argv.slice(2);
const socket = createSocket('udp4');
let back = 0;
socket.on('message', () => back++);
socket.on('error', () => {});
await new Promise<void>((bound) => socket.bind(0, own, bound));
const packet = Buffer.alloc(172, 0x55);
for (let sequence = 0; ; sequence = (sequence + 1) & 0xffff) {
  for (let port = Number(first); port < Number(first) + 2 * Number(count); port += 2) {
    packet.writeUInt16BE(0x8000, 0);
    packet.writeUInt16BE(sequence, 2);
    packet.writeUInt32BE(sequence * 160, 4);
    packet.writeUInt32BE(0x66660000 + port, 8);
    socket.send(packet, port, target);
  }
  if (sequence % 100 === 0) console.log(`${back} packets came back`);
  await Bun.sleep(10);
}
