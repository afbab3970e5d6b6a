/** What a call of ours plays, presses and records: against our echo, SIPp's plain RTP echo, and baresip behind Kamailio. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toneShare } from '../../src/rtp/goertzel.ts';
import { readFrames, readWav } from '../../src/rtp/wav.ts';
import { startBaresip } from '../baresip.ts';
import { startKamailio } from '../kamailio.ts';
import { check, type Lab, LOOPBACK, type Peer, tail, untilBound, within } from '../lab.ts';
import { startRingback } from '../ringback.ts';
import type { Scenario } from '../scenario.ts';
import { sippPassed, startSipp } from '../sipp.ts';

const RATE_HZ = 8_000;
let runs = 0;

/** `ringback call --foreground`, with RTP ports beside those of an echo. */
function startCall(lab: Lab, ...args: string[]): Peer {
  const [first, last] = lab.rtpPorts;
  const ports = `${first + 500}-${last}`;
  const fixed = ['--foreground', '--bind', LOOPBACK, '--rtp-ports', ports];
  return lab.spawn(`ringback-call-${++runs}`, [...lab.ringback, 'call', ...fixed, ...args]);
}

async function ended(peer: Peer): Promise<void> {
  const code = await within('ringback call to end', peer.exited, 20_000);
  check(code === 0, `ringback call exited with ${code}\n${tail(peer.output())}`);
}

/** The samples of a recording; its header has to tell the truth. */
function samplesOf(path: string): Float32Array {
  const bytes = readFileSync(path);
  const format = readWav((offset, length) => bytes.subarray(offset, offset + length), bytes.length);
  check(!('problem' in format), `${path}: ${'problem' in format ? format.problem : ''}`);
  check(bytes.length - format.dataOffset - format.dataBytes <= 1, 'the header says less than there is');
  const samples = new Float32Array(format.dataBytes);
  readFrames(format, bytes.subarray(format.dataOffset, format.dataOffset + format.dataBytes), samples, 0);
  return samples;
}

/** How many tenths of a second are that tone. */
function tenthsOf(samples: Float32Array, hz: number): number {
  let tenths = 0;
  for (let from = 0; from + 800 <= samples.length; from += 800) {
    if (toneShare(samples.subarray(from, from + 800), hz, RATE_HZ) > 0.9) tenths += 1;
  }
  return tenths;
}

/** Two seconds of 48 kHz stereo at 700 Hz. */
function writeTone(path: string): void {
  const [rate, frames] = [48_000, 96_000];
  const bytes = Buffer.alloc(44 + frames * 4);
  bytes.write('RIFF....WAVEfmt ', 'latin1');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(2, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(frames * 4, 40);
  for (let frame = 0; frame < frames; frame++) {
    const sample = Math.round(8_000 * Math.sin((2 * Math.PI * 700 * frame) / rate));
    bytes.writeInt16LE(sample, 44 + frame * 4);
    bytes.writeInt16LE(sample, 46 + frame * 4);
  }
  writeFileSync(path, bytes);
}

export const talkScenarios: readonly Scenario[] = [
  {
    name: 'talk: the keys reach our echo, the tone comes back from it and is recorded, udp',
    async run(lab) {
      const echo = await startRingback(lab);
      const record = join(lab.dir, 'heard.wav');
      const to = `sip:echo@${LOOPBACK}:${echo.port}`;
      const talk = ['--play', 'tone', '--record', record, '--dtmf', '12#', '--duration', '3'];
      const call = startCall(lab, '--json', '--to', to, ...talk);
      await ended(call);
      const keys = echo.all('dtmf.received').map(({ digit, durationMs }) => `${digit} ${durationMs}`);
      check(keys.join() === '1 100,2 100,# 100', `the echo heard the keys ${keys}`);
      const samples = samplesOf(record);
      check(samples.length > 2.8 * RATE_HZ, `${samples.length} samples of 3 s`);
      check(tenthsOf(samples, 440) >= 20, `the tone is in ${tenthsOf(samples, 440)} tenths of a second`);
      const media = await echo.wait('media.stopped');
      const sent = Number(/"media.stopped".*"packetsSent":(\d+)/.exec(call.output())?.[1]);
      check(sent >= 140, `${sent} packets were sent in 3 s`);
      check(
        media.lost === 0 && media.packetsReceived >= sent - 2,
        `of ${sent} packets the echo has ${JSON.stringify(media)}`,
      );
      await echo.stop();
    },
  },
  {
    name: 'talk: a file of another rate is played once and comes back from a plain RTP echo (SIPp), udp',
    needs: ['sipp'],
    async run(lab) {
      const port = lab.port();
      const sipp = await startSipp(lab, 'builtin:uas', {
        target: `${LOOPBACK}:9`,
        port,
        args: ['-rtp_echo'],
      });
      await untilBound(sipp, 'udp', port);
      const [play, record] = [join(lab.dir, 'tone.wav'), join(lab.dir, 'heard.wav')];
      writeTone(play);
      const call = startCall(
        lab,
        '--to',
        `sip:uas@${LOOPBACK}:${port}`,
        '--play',
        play,
        '--record',
        record,
        '--duration',
        '3',
      );
      await ended(call);
      await sippPassed(lab, sipp);
      const samples = samplesOf(record);
      const tenths = tenthsOf(samples, 700);
      check(tenths >= 18 && tenths <= 20, `2 s were played, the tone is in ${tenths} tenths of a second`);
      const silent = samples.subarray(samples.length - RATE_HZ / 2).every((sample) => Math.abs(sample) <= 8);
      check(silent, 'after the file there is no silence');
    },
  },
  {
    name: 'talk: a file begins with the answer and not with the early media before it (SIPp, A-law), udp',
    needs: ['sipp'],
    async run(lab) {
      const port = lab.port();
      const target = { target: `${LOOPBACK}:9`, port, args: ['-rtp_echo'] };
      const sipp = await startSipp(lab, 'early-media-uas', target);
      await untilBound(sipp, 'udp', port);
      const [play, record] = [join(lab.dir, 'tone.wav'), join(lab.dir, 'heard.wav')];
      writeTone(play);
      const to = ['--to', `sip:uas@${LOOPBACK}:${port}`];
      await ended(startCall(lab, ...to, '--play', play, '--record', record, '--duration', '3'));
      await sippPassed(lab, sipp);
      const bytes = readFileSync(record);
      check(bytes.readUInt16LE(20) === 6, `the recording has format ${bytes.readUInt16LE(20)}, not A-law`);
      const samples = samplesOf(record);
      // 1.5 s of early media, 2 s of tone, silence.
      check(tenthsOf(samples.subarray(0, 1.3 * RATE_HZ), 700) === 0, 'the tone began while it rang');
      const tenths = tenthsOf(samples, 700);
      check(tenths >= 18 && tenths <= 20, `2 s were played, the tone is in ${tenths} tenths of a second`);
    },
  },
  {
    name: 'talk: baresip behind Kamailio hears our tone, and we record its own, udp',
    needs: ['kamailio', 'baresip'],
    async run(lab) {
      const kamailio = await startKamailio(lab);
      const phone = await startBaresip(lab, kamailio, 'udp');
      const record = join(lab.dir, 'heard.wav');
      const proxy = ['--proxy', `${LOOPBACK}:${kamailio.port}`, '--transport', 'udp'];
      const call = startCall(
        lab,
        '--to',
        `200@${kamailio.domain}`,
        ...proxy,
        '--record',
        record,
        '--play',
        'tone',
        '--duration',
        '4',
      );
      await phone.event('CALL_INCOMING');
      phone.command('accept');
      await ended(call);
      await phone.event('CALL_CLOSED');
      const tenths = tenthsOf(samplesOf(record), 440);
      check(tenths >= 30, `baresip's tone is in ${tenths} tenths of a second of 4 s`);
      check(phone.heardTone() > 0.9, `baresip heard the tone with ${phone.heardTone().toFixed(2)}`);
    },
  },
];
