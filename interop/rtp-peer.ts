/** One RTP socket by hand: packets out with a number in each, packets in as they came. For one call at a time. */
import { createSocket } from 'node:dgram';
import { type Lab, LOOPBACK, sleep } from './lab.ts';

/** A socket of a caller, or of a stranger. */
export interface RtpPeer {
  readonly port: number;
  readonly received: Buffer[];
  /**
   * Sends that many packets, 20 ms apart, with the sequence running on from the last; answers how many are back. Waits
   * for all of them; `unheard`, where none may come, waits 150 ms.
   */
  talk(to: number, packets: number, unheard?: 'unheard'): Promise<number>;
  send(to: number, packet: Buffer): void;
  /** The next packet of this stream, not sent yet. */
  packet(payloadType: number, payload: Buffer, marker?: boolean): Buffer;
}

/** Opens it on a free port of 127.0.0.1. */
export async function openRtpPeer(lab: Lab, ssrc = 0x11223344): Promise<RtpPeer> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, LOOPBACK, resolve));
  lab.defer(() => void socket.close());
  const received: Buffer[] = [];
  socket.on('message', (bytes) => received.push(bytes));
  socket.on('error', () => {});
  let sequence = 1_000;
  let timestamp = 50_000;
  const send = (to: number, packet: Buffer) => socket.send(packet, to, LOOPBACK);
  const packet = (payloadType: number, payload: Buffer, marker = false) => {
    const bytes = Buffer.alloc(12 + payload.length);
    bytes[0] = 0x80;
    bytes[1] = (marker ? 0x80 : 0) | payloadType;
    bytes.writeUInt16BE(sequence++ & 0xffff, 2);
    bytes.writeUInt32BE(timestamp >>> 0, 4);
    bytes.writeUInt32BE(ssrc, 8);
    payload.copy(bytes, 12);
    return bytes;
  };
  return {
    port: socket.address().port,
    received,
    send,
    packet,
    async talk(to, packets, unheard) {
      const sent = new Set<string>();
      const before = received.length;
      for (let index = 0; index < packets; index++) {
        const payload = Buffer.alloc(160, 0x2a);
        payload.writeUInt32BE(ssrc, 0);
        payload.writeUInt32BE(sequence, 4);
        sent.add(payload.toString('latin1'));
        send(to, packet(0, payload));
        timestamp += 160;
        await sleep(20);
      }
      const back = () =>
        received.slice(before).filter((bytes) => sent.has(bytes.subarray(12).toString('latin1'))).length;
      const end = performance.now() + (unheard === undefined ? 3_000 : 150);
      while (performance.now() < end && (unheard !== undefined || back() < packets)) await sleep(10);
      return back();
    },
  };
}
