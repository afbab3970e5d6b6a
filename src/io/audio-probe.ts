/**
 * Sends known audio to an echo and judges what comes back: how much of it, whether it is the same, and how long
 * it took. It has a socket of its own, so that it can stand on either side of any call.
 */
import {
  RTP_HEADER_BYTES,
  readPayloadType,
  readSsrc,
  rtpPayloadOffset,
  writeRtpHeader,
} from '../rtp/rtp-packet.ts';
import { SAMPLES_A_PACKET, signalPacket } from '../rtp/test-signal.ts';
import type { SocketAddress } from '../sip/flow.ts';
import { unmapped } from '../sip/ip-address.ts';

/** What came of it. */
export interface AudioVerdict {
  readonly sent: number;
  /** Packets that came back with the audio that was sent in them. */
  readonly returned: number;
  /** Packets of the echo with other audio, its own priming packet aside. */
  readonly damaged: number;
  /** From sending to hearing, median and longest. Absent when nothing came back. */
  readonly medianMs?: number;
  readonly longestMs?: number;
}

/** An open probe; `close` gives its port back. */
export interface AudioProbe {
  readonly local: SocketAddress;
  /** Sends for that long, then waits a moment for what is late. */
  run(remote: SocketAddress, seconds: number): Promise<AudioVerdict>;
  close(): void;
}

const PACKET_MS = 20;
const PCMU = 0;
/** How long the last packets may take. */
const LATE_MS = 300;

/** Binds a socket on that address. `ssrc` is random, from whoever has randomness. */
export async function openAudioProbe(address: string, ssrc: number): Promise<AudioProbe> {
  let expected: {
    packets: Uint8Array[];
    sentMs: number[];
    tookMs: number[];
    damaged: number;
    from: SocketAddress;
  };
  const socket = await Bun.udpSocket({
    hostname: address,
    port: 0,
    socket: {
      data(_socket, bytes, port, source) {
        if (
          expected === undefined ||
          port !== expected.from.port ||
          unmapped(source) !== expected.from.address
        )
          return;
        const payload = rtpPayloadOffset(bytes, bytes.length);
        if (payload < 0 || readPayloadType(bytes) !== PCMU || readSsrc(bytes) === ssrc) return;
        hear(bytes.subarray(payload));
      },
    },
  });

  /** A packet is known by its audio: the echo numbers its own stream. */
  function hear(audio: Uint8Array): void {
    const { packets, sentMs, tookMs } = expected;
    for (let index = packets.length - 1; index >= 0; index--) {
      if (tookMs[index] !== undefined || Buffer.compare(packets[index] as Uint8Array, audio) !== 0) continue;
      tookMs[index] = performance.now() - (sentMs[index] as number);
      return;
    }
    // Silence is the echo's priming packet.
    if (!audio.every((byte) => byte === 0xff)) expected.damaged += 1;
  }

  async function run(remote: SocketAddress, seconds: number): Promise<AudioVerdict> {
    expected = { packets: [], sentMs: [], tookMs: [], damaged: 0, from: remote };
    const count = Math.round((seconds * 1000) / PACKET_MS);
    const startMs = performance.now();
    for (let index = 0; index < count; index++) {
      const packet = new Uint8Array(RTP_HEADER_BYTES + SAMPLES_A_PACKET);
      writeRtpHeader(packet, PCMU, (index + 1) & 0xffff, index * SAMPLES_A_PACKET, ssrc);
      const audio = signalPacket(index);
      packet.set(audio, RTP_HEADER_BYTES);
      expected.packets.push(audio);
      expected.sentMs.push(performance.now());
      socket.send(packet, remote.port, remote.address);
      await Bun.sleep(Math.max(0, startMs + (index + 1) * PACKET_MS - performance.now()));
    }
    await Bun.sleep(LATE_MS);
    const took = expected.tookMs.filter((one) => one !== undefined).sort((a, b) => a - b);
    const median = took[took.length >> 1];
    const longest = took.at(-1);
    return {
      sent: count,
      returned: took.length,
      damaged: expected.damaged,
      ...(median === undefined || longest === undefined ? {} : { medianMs: median, longestMs: longest }),
    };
  }

  return { local: { address, port: socket.port }, run, close: () => socket.close() };
}
