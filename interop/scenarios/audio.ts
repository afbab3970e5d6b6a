/** Two hundred calls at once, what tshark says of the wire, and what is left when all is over. */
import { join } from 'node:path';
import { startCapture } from '../capture.ts';
import { check, type Lab, output, tail, until, within } from '../lab.ts';
import { type Ringback, startRingback } from '../ringback.ts';
import type { CallerReport } from '../rtp-caller.ts';
import { overBoth, type Scenario } from '../scenario.ts';

type Transport = 'udp' | 'tcp';

export async function callAndTalk(
  lab: Lab,
  ringback: Ringback,
  transport: Transport,
  calls: number,
  seconds: number,
): Promise<CallerReport> {
  const words = [`${ringback.port}`, transport, `${calls}`, `${seconds}`];
  const peer = lab.spawn('rtp-caller', [
    process.execPath,
    join(import.meta.dir, '..', 'rtp-caller.ts'),
    ...words,
  ]);
  const code = await within('the caller to end', peer.exited, (seconds + 30) * 1_000);
  check(code === 0, `the caller exited with ${code}: ${tail(peer.output())}`);
  return JSON.parse(peer.output()) as CallerReport;
}

/** Every packet of every call came back to its own caller, unchanged, under another SSRC. */
export function checkReport(report: CallerReport, calls: number, seconds: number): void {
  const said = JSON.stringify(report);
  check(
    report.answered === calls && report.ended === calls,
    `not every call was answered and ended: ${said}`,
  );
  check(report.sent === calls * seconds * 50, `the caller sent too little: ${said}`);
  check(report.foreign === 0, `a packet came to another caller: ${said}`);
  check(
    report.altered === 0 && report.duplicates === 0 && report.ownSsrc === 0,
    `packets were changed: ${said}`,
  );
  check(report.echoed === report.sent && report.whole === calls, `not every packet came back: ${said}`);
}

/** The UDP ports that a process has, by `ss`. */
async function udpPorts(pid: number): Promise<number[]> {
  const lines = (await output(['ss', '-Huanp'])).split('\n').filter((line) => line.includes(`pid=${pid},`));
  return lines.map((line) => Number(/:(\d+)\s/.exec(line)?.[1]));
}

async function tcpConnections(pid: number): Promise<number> {
  const lines = (await output(['ss', '-Htanp'])).split('\n');
  return lines.filter((line) => line.includes(`pid=${pid},`) && line.startsWith('ESTAB')).length;
}

/** Transactions that have begun and not ended, by the events. */
function openTransactions(ringback: Ringback): string[] {
  const states = new Map(ringback.all('transaction.changed').map(({ id, to }) => [id, to] as const));
  return [...states].filter(([, to]) => to !== 'terminated').map(([id, to]) => `${id} ${to}`);
}

async function twoHundred(lab: Lab, transport: Transport): Promise<void> {
  const calls = 200;
  const seconds = 5;
  const ringback = await startRingback(lab);
  let before: number[] = [];
  await until('the reserve of RTP ports', async () => {
    const [last, now] = [before.length, await udpPorts(ringback.pid)];
    before = now;
    return now.length > 2 && now.length === last;
  });
  const report = await callAndTalk(lab, ringback, transport, calls, seconds);
  checkReport(report, calls, seconds);

  await until('media.stopped for every call', () => ringback.all('media.stopped').length === calls);
  for (const media of ringback.all('media.stopped')) {
    const right = media.packetsReceived === seconds * 50 && media.packetsSent >= seconds * 50;
    check(right && media.sendErrors === 0, `the counters of a call: ${JSON.stringify(media)}`);
    // Every 25th sequence number was never sent.
    check(media.lost === Math.floor((seconds * 50 - 1) / 24), `lost ${media.lost}: ${JSON.stringify(media)}`);
  }
  const ended = ringback.all('dialog.changed').filter(({ to }) => to === 'terminated').length;
  check(ended === calls, `${ended} dialogs ended, not ${calls}`);
  await until('RTP ports to go back to the reserve', async () => {
    const after = await udpPorts(ringback.pid);
    return after.length <= before.length * 2;
  });
  // Timer L holds an accepted INVITE for 64*T1 on every transport (RFC 6026 §8.7); Timer J the BYE, on UDP.
  await until(
    `transactions to end: ${openTransactions(ringback).slice(0, 3).join(', ')}`,
    () => ringback.all('transaction.changed').length > 0 && openTransactions(ringback).length === 0,
    45_000,
  );
  if (transport === 'tcp')
    await until(
      'the TCP connection of the caller to go',
      async () => (await tcpConnections(ringback.pid)) === 0,
    );
  await ringback.stop();
}

/** The wire, as tshark sees it: SIP without an error, RTP with our own SSRC and the caller's gaps. */
async function wire(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab);
  const filter = `host 127.0.0.1 and (port ${ringback.port} or udp portrange ${lab.rtpPorts.join('-')})`;
  const capture = await startCapture(lab, filter, [ringback.port]);
  checkReport(await callAndTalk(lab, ringback, transport, 2, 9), 2, 9);
  const media = ringback.all('media.started');
  await ringback.stop();
  await capture.stop();

  const errors = await capture.errors();
  check(errors.length === 0, `tshark: ${errors.join('; ')}`);
  for (const { localPort } of media) {
    const sent = await capture.fields(`rtp && udp.srcport == ${localPort}`, 'rtp.ssrc', 'rtp.seq');
    const received = await capture.fields(`rtp && udp.dstport == ${localPort}`, 'rtp.ssrc', 'rtp.seq');
    check(received.length === 450, `tshark saw ${received.length} packets to ${localPort}, not 450`);
    const ours = new Set(sent.map(([ssrc]) => ssrc));
    const theirs = new Set(received.map(([ssrc]) => ssrc));
    check(ours.size === 1, `we sent under ${ours.size} SSRCs: ${[...ours].join(' ')}`);
    check(
      ![...theirs].some((ssrc) => ours.has(ssrc)),
      `we sent under the caller's SSRC ${[...ours].join(' ')}`,
    );
    check(gaps(sent) === gaps(received), `gaps sent ${gaps(sent)}, received ${gaps(received)}`);
    const reports = await capture.fields(`rtcp && udp.srcport == ${localPort + 1}`, 'rtcp.pt');
    check(reports.length > 0, `no RTCP from ${localPort + 1} in 9 s (RFC 3550 §6.2)`);
  }
}

/** Places where a sequence number is missing. */
function gaps(packets: readonly string[][]): number {
  let count = 0;
  for (let index = 1; index < packets.length; index++) {
    const step = (Number(packets[index]?.[1]) - Number(packets[index - 1]?.[1])) & 0xffff;
    if (step > 1 && step < 100) count++;
  }
  return count;
}

export const audioScenarios: readonly Scenario[] = [
  ...overBoth('200 calls at once, each hears itself', twoHundred, { needs: ['ss'], limitS: 100 }),
  ...overBoth('the wire as tshark sees it', wire, { needs: ['tshark', 'dumpcap'], limitS: 60 }),
];
