/** What strangers cost: floods, silence, and addresses that are somebody else's. */
import { readdirSync, readFileSync } from 'node:fs';
import { check, type Lab, sleep, until } from '../lab.ts';
import { isResponse, offerText, openRawPeer, requestText } from '../raw-peer.ts';
import { startRingback } from '../ringback.ts';
import type { Scenario } from '../scenario.ts';
import { callAndTalk, checkReport } from './audio.ts';

const BAD = 3_000;

/** Bad datagrams are lines up to a bound, then a count; calls go on. */
async function flood(lab: Lab): Promise<void> {
  const ringback = await startRingback(lab);
  const peer = await openRawPeer(lab, 'udp', ringback.port);
  for (let count = 0; count < BAD; count++) {
    peer.send(`hello ${count}\r\n\r\n`);
    if (count % 100 === 0) await sleep(5);
  }
  peer.send(requestText(peer, 'OPTIONS', { callId: 'alive', target: ringback.port }));
  await peer.wait('200 to OPTIONS', isResponse(200, '1 OPTIONS'));
  const counted = () => ringback.all('sip.rejected').filter(({ code }) => code === 'rejections-left-out');
  await until('a count of what was left out', () => counted().length > 0);
  const said = ringback.all('sip.rejected').length;
  check(said < 150, `${said} lines for ${BAD} bad datagrams`);
  await ringback.stop();
}

/** 40 INVITEs that nobody acknowledges, as if their address were forged: each answer once, few repeats, few BYEs. */
async function unproven(lab: Lab): Promise<void> {
  const ringback = await startRingback(lab);
  const peer = await openRawPeer(lab, 'udp', ringback.port);
  const silent = await openRawPeer(lab, 'tcp', ringback.port);
  const began = performance.now();
  const calls = 40;
  for (let call = 0; call < calls; call++) {
    const parts = { callId: `forged-${call}`, target: ringback.port };
    peer.send(requestText(peer, 'INVITE', { ...parts, body: offerText(7_000) }));
  }
  const ended = () => ringback.all('call.changed').filter(({ to }) => to === 'terminated').length;
  await until('the calls to end', () => ended() === calls, 45_000);
  check(performance.now() - began > 31_000, 'the calls ended before 64*T1 (§13.3.1.4)');
  const got = peer.received.length;
  // Two minutes may be touched, with 64 repeats each; 11 of them are a BYE.
  check(got > 3 * calls && got < 3 * calls + 150, `${got} datagrams for ${calls} INVITEs of a stranger`);
  // The stream that said nothing is closed meanwhile.
  await until('the silent stream to be closed', () => silent.closed(), 5_000);
  ringback.kill('SIGTERM');
  await ringback.exited;
}

const OPEN_FILES = 256;

/** CPU of a process so far, in ms: fields 14 and 15 of proc(5)'s stat, in ticks of 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** With 256 descriptors: 1,000 connections, silent or not, and calls keep their audio meanwhile. Nothing spins. */
async function connections(lab: Lab): Promise<void> {
  const ringback = await startRingback(lab, ['--max-calls', '20'], { openFiles: OPEN_FILES });
  const calling = callAndTalk(lab, ringback, 'udp', 10, 6);
  await until('the calls', () => ringback.all('media.started').length === 10);
  const flood = await Promise.all(
    Array.from({ length: 1_000 }, async (_, index) => {
      const peer = await openRawPeer(lab, 'tcp', ringback.port);
      if (index % 3 === 0)
        peer.send(requestText(peer, 'OPTIONS', { callId: `${index}`, target: ringback.port }));
      return peer;
    }),
  );
  await ringback.wait('diagnosis.raised', ({ code }) => code === 'connections-full');
  const open = () => readdirSync(`/proc/${ringback.pid}/fd`).length;
  check(open() < OPEN_FILES, `${open()} of ${OPEN_FILES} descriptors are in use`);
  checkReport(await calling, 10, 6);
  const before = cpuMs(ringback.pid);
  await sleep(1_000);
  const spent = cpuMs(ringback.pid) - before;
  check(spent < 300, `${spent} ms of CPU in a second in which nothing happened`);
  const told = ringback.all('diagnosis.raised').filter(({ code }) => code === 'connections-full');
  check(told.length === 1, `said ${told.length} times`);
  for (const peer of flood) peer.close();
  const late = await openRawPeer(lab, 'tcp', ringback.port);
  late.send(requestText(late, 'OPTIONS', { callId: 'late', target: ringback.port }));
  await late.wait('200 to OPTIONS', isResponse(200, '1 OPTIONS'));
  await ringback.stop();
}

export const strangerScenarios: readonly Scenario[] = [
  { name: 'a flood of bad datagrams, udp', run: flood },
  { name: 'more connections than descriptors', run: connections, limitS: 40 },
  { name: 'INVITEs that nobody acknowledges, a stream that says nothing', run: unproven, limitS: 60 },
];
