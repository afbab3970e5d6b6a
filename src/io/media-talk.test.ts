import { afterAll, afterEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSample } from '../rtp/g711.ts';
import { toneShare } from '../rtp/goertzel.ts';
import type { MediaCommand, MediaMode, MediaReport, MediaSession } from '../rtp/session.ts';
import { WAV_HEADER_BYTES } from '../rtp/wav.ts';
import { startMedia } from './media.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringback-talk-'));
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Media on loopback; the call in slot 0 echoes, the one in slot 1 talks to it. */
async function talkingToItself(mode: MediaMode, law: 'PCMU' | 'PCMA', keys = true) {
  const reports: MediaReport[] = [];
  let look = (): void => {};
  const running = startMedia({
    threads: 1,
    rtpPorts: [23_000, 23_999],
    maxCalls: 4,
    reserve: 2,
    // A machine that is busy would hear priming packets of the echo between those that it sent.
    tickMs: 60_000,
    onReport(report) {
      reports.push(report);
      look();
    },
  });
  closing.push(() => running.close());
  await running.ready;
  const ports = () => reports.flatMap((report) => (report.type === 'ports' ? [...report.ports] : []));
  const [echo, talk] = ports() as [number, number];
  const session = (slot: number, port: number, remote: number): MediaSession => ({
    slot,
    port,
    remote: { address: '127.0.0.1', port: remote },
    remoteRtcp: { address: '127.0.0.1', port: remote + 1 },
    rtcpMux: false,
    send: true,
    receive: true,
    payloads: [
      { type: law === 'PCMU' ? 0 : 8, name: law, clockRate: 8000 },
      ...(keys ? [{ type: 101, name: 'TELEPHONE-EVENT', clockRate: 8000 }] : []),
    ],
    ssrc: 0x1000_0000 + slot,
    cname: `slot-${slot}`,
  });
  const send = (...commands: MediaCommand[]) => running.send(commands);
  send(
    { type: 'open', session: session(0, echo, talk) },
    { type: 'open', session: { ...session(1, talk, echo), mode } },
  );
  const until = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (done()) resolve();
      };
      look();
    });
  return { running, reports, until, send, session: session(1, talk, echo) };
}

/** The samples of a recording, of which its header tells the truth. */
function recorded(path: string): Uint8Array {
  const bytes = readFileSync(path);
  const samples = bytes.readUInt32LE(54);
  expect(bytes.length).toBe(WAV_HEADER_BYTES + samples + (samples % 2));
  return bytes.subarray(WAV_HEADER_BYTES, WAV_HEADER_BYTES + samples);
}

const slotReports = (reports: readonly MediaReport[], type: MediaReport['type']) =>
  reports.filter((report) => report.type === type && 'slot' in report && report.slot === 1);

test('a call that plays a tone to an echo hears and records it, and its keys come back as keys', async () => {
  await Promise.all((['PCMU', 'PCMA'] as const).map(hearsItself));

  async function hearsItself(law: 'PCMU' | 'PCMA'): Promise<void> {
    const record = join(folder, `${law}.wav`);
    const call = await talkingToItself({ type: 'talk', play: { type: 'tone' }, record }, law);
    call.send({ type: 'dtmf', slot: 1, digits: '5#' });
    await call.until(() => slotReports(call.reports, 'dtmf').length === 2);
    expect(slotReports(call.reports, 'dtmf-sent')).toEqual([
      { type: 'dtmf-sent', slot: 1, digit: '5', durationMs: 100 },
      { type: 'dtmf-sent', slot: 1, digit: '#', durationMs: 100 },
    ]);
    expect(slotReports(call.reports, 'dtmf')).toEqual([
      { type: 'dtmf', slot: 1, digit: '5', durationMs: 100 },
      { type: 'dtmf', slot: 1, digit: '#', durationMs: 100 },
    ]);
    call.send({ type: 'close', slot: 1 }, { type: 'close', slot: 0 });
    // The thread carries out what came before: ports come back to the reserve before it knows of the end.
    await call.running.close();
    const { packetsSent, packetsReceived, lost, dropped } = call.running.read(1);
    // Three packets between the keys and some of the end are audio; a key is seven packets.
    expect(packetsSent).toBeGreaterThanOrEqual(15);
    // The echo's priming packet comes as well, and the last packets, of a machine that caught up, may be on their way.
    expect(packetsReceived).toBeWithin(packetsSent - 8, packetsSent + 2);
    expect({ lost, dropped }).toEqual({ lost: 0, dropped: 0 });
    const heard = [...recorded(record)].map((code) => decodeSample(law, code));
    // From the end: between the echo's priming packet and the first of ours is no whole packet.
    const before = heard.length % 160;
    const packets = Array.from({ length: Math.floor(heard.length / 160) }, (_, at) =>
      heard.slice(before + at * 160, before + (at + 1) * 160),
    );
    // A packet is no whole number of periods: by where the tone is, its share is 0.983 to 1.016.
    const tones = packets.filter((packet) => toneShare(packet, 440, 8_000) > 0.98).length;
    const silent = packets.filter((packet) => packet.every((sample) => Math.abs(sample) <= 8)).length;
    expect(tones).toBeGreaterThanOrEqual(3);
    // The first key, before which the echo's priming packet was heard.
    expect(silent).toBeGreaterThanOrEqual(6);
    expect(tones + silent).toBe(packets.length);
  }
});

test('files that cannot be used are told of, and the call stands', async () => {
  const play = { type: 'file', path: join(folder, 'none.wav') } as const;
  const record = join(folder, 'none', 'new.wav');
  const call = await talkingToItself({ type: 'talk', play, record }, 'PCMU', false);
  call.send({ type: 'dtmf', slot: 1, digits: '1' });
  await call.until(() => slotReports(call.reports, 'audio-failed').length === 3);
  expect(slotReports(call.reports, 'audio-failed')).toMatchObject([
    { code: 'play-failed', evidence: `${play.path}: there is no such file or folder` },
    { code: 'record-failed', evidence: `${record}: there is no such file or folder` },
    { code: 'dtmf-not-agreed', evidence: expect.stringContaining('the keys 1 were not sent') },
  ]);
  await call.until(() => slotReports(call.reports, 'latched').length === 1);
  expect(existsSync(record)).toBe(false);
});

test('a renegotiation does not end the talk, and the end of the thread ends the recording', async () => {
  const record = join(folder, 'late.wav');
  const call = await talkingToItself({ type: 'talk', play: { type: 'silence' }, record }, 'PCMU');
  await call.until(() => slotReports(call.reports, 'latched').length === 1);
  call.send(
    { type: 'update', session: { ...call.session, send: false } },
    { type: 'dtmf', slot: 1, digits: '7' },
    { type: 'update', session: call.session },
  );
  await call.until(() => slotReports(call.reports, 'dtmf-sent').length === 1);
  await call.running.close();
  expect(recorded(record).length).toBeGreaterThan(0);
});
