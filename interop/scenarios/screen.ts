/** The screen on a real terminal: a call comes, is looked at, hung up by a key, and the terminal is as it was. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, type Lab, LOOPBACK, output, until } from '../lab.ts';
import { startRingback } from '../ringback.ts';
import type { Scenario } from '../scenario.ts';
import { sippPassed, startSipp } from '../sipp.ts';
import { openTerminal, type Terminal } from '../terminal.ts';

const needs = ['tmux', 'sipp', 'tshark'];

/** `ringback echo` in a terminal. */
async function echoOnTerminal(lab: Lab, size?: { columns: number; rows: number }) {
  const port = lab.port();
  const [first, last] = lab.rtpPorts;
  const words = ['echo', '--bind', LOOPBACK, '--sip-port', `${port}`, '--rtp-ports', `${first}-${last}`];
  const terminal = await openTerminal(lab, [...lab.ringback, ...words], size);
  await terminal.shows('No calls yet');
  await terminal.shows('listens on tcp');
  return { terminal, target: `${LOOPBACK}:${port}` };
}

/** The program has ended with that code, and put back what it changed. */
async function isClean(terminal: Terminal, code: number): Promise<void> {
  await terminal.shows(`code=${code}`);
  const { alternate, cursor } = await terminal.state();
  check(!alternate, 'the alternate screen was not left');
  check(cursor, 'the cursor is still hidden');
  const text = await terminal.screen();
  check(!text.includes('packets/s'), `the screen was left behind:\n${text}`);
}

async function hangUpByKey(lab: Lab): Promise<void> {
  const { terminal, target } = await echoOnTerminal(lab);
  const peer = await startSipp(lab, 'hangup-by-echo', { target, transport: 'udp' });
  await terminal.shows(/SIPp +established/);
  check((await terminal.state()).alternate, 'the screen is not on the alternate screen');
  // One key alone ends nothing.
  await terminal.press('h');
  await terminal.shows('y yes, any other key no');
  await terminal.press('n');
  await terminal.shows('Nothing was done.');
  await terminal.press('Enter');
  await terminal.shows('LADDER');
  await terminal.shows('OFFER (theirs)');
  await terminal.press('h', 'y');
  await sippPassed(lab, peer);
  await terminal.shows('terminated');
  await exportsCall(lab, terminal);
  await terminal.press('Escape');
  await terminal.shows(/SIPp +ended/);
  await terminal.press('q');
  await isClean(terminal, 0);
}

/** `e` writes the call as markdown, and as a capture that replay and tshark understand. */
async function exportsCall(lab: Lab, terminal: Terminal): Promise<void> {
  await terminal.press('e');
  await terminal.shows('Export to');
  await terminal.press('Enter');
  await terminal.shows('Written to');
  const [markdown] = readdirSync(lab.dir).filter((name) => name.endsWith('.md'));
  const text = markdown === undefined ? '' : readFileSync(join(lab.dir, markdown), 'utf8');
  check(text.includes('sequenceDiagram'), `the markdown has no diagram:\n${text}`);
  await terminal.press('e');
  await terminal.shows('Export to');
  await terminal.press('C-u', ...'call.pcap', 'Enter');
  await terminal.shows('Written to call.pcap');
  const capture = join(lab.dir, 'call.pcap');
  const read = await output([
    'tshark',
    '-r',
    capture,
    '-d',
    'udp.port==1-65535,sip',
    '-T',
    'fields',
    '-e',
    'sip.Method',
  ]);
  check(/INVITE[\s\S]*ACK[\s\S]*BYE/.test(read), `tshark reads ${read} in the capture`);
  const replayed = await output([...lab.ringback, 'replay', capture]);
  check(replayed.includes('INVITE'), `replay finds no call in the capture:\n${replayed}`);
}

async function leaveWithCalls(lab: Lab): Promise<void> {
  const { terminal, target } = await echoOnTerminal(lab);
  const peer = await startSipp(lab, 'hangup-by-echo', { target, transport: 'tcp' });
  await terminal.shows(/SIPp +established/);
  await terminal.press('q');
  await terminal.shows('Leave, and end the call?');
  await terminal.press('y');
  await sippPassed(lab, peer);
  await isClean(terminal, 0);
}

async function everySize(lab: Lab): Promise<void> {
  const { terminal } = await echoOnTerminal(lab, { columns: 80, rows: 24 });
  for (const [columns, rows] of [
    [60, 20],
    [250, 60],
    [30, 5],
    [80, 24],
  ] as const) {
    await terminal.resize(columns, rows);
    const expected = columns < 40 ? 'too small' : /calls +0 /;
    await terminal.shows(expected);
    const lines = (await terminal.screen()).split('\n');
    check(lines.length <= rows + 1, `${lines.length} lines on ${rows} rows`);
  }
  await terminal.press('?');
  await terminal.shows('hang up all calls');
  await terminal.press('x', 'C-c');
  await isClean(terminal, 0);
}

async function killed(lab: Lab): Promise<void> {
  const { terminal, target } = await echoOnTerminal(lab);
  const peer = await startSipp(lab, 'hangup-by-echo', { target, transport: 'udp' });
  await terminal.shows(/SIPp +established/);
  const port = target.split(':')[1];
  const pids = Bun.spawnSync([
    'pgrep',
    '-f',
    `echo --bind ${LOOPBACK} --sip-port ${port} `,
  ]).stdout.toString();
  const own = pids
    .split('\n')
    .filter((pid) => pid !== '')
    .map(Number)
    .filter((pid) => !/^(?:sh|tmux|bash)/.test(nameOf(pid)));
  check(own.length > 0, 'ringback was not found');
  for (const pid of own) process.kill(pid, 'SIGTERM');
  await sippPassed(lab, peer);
  await until('the end', async () => /code=\d+/.test(await terminal.screen()), 8_000);
  await isClean(terminal, 0);
}

/** The demo on a terminal: calls with audio and one without, found by its mark, explained, hung up, left. */
async function demo(lab: Lab): Promise<void> {
  const [first, last] = lab.rtpPorts;
  const words = ['demo', '--rtp-ports', `${first}-${last}`];
  const terminal = await openTerminal(lab, [...lab.ringback, ...words], { columns: 110, rows: 40 });
  await terminal.shows(/calls +4 /, 15_000);
  await terminal.shows(/established .* 5\d +5\d /);
  await terminal.shows(/established +\d:\d\d ! +0 +0 /, 15_000);
  // By trouble: newest, longest, trouble.
  await terminal.press('s', 's', 'Home', 'Enter');
  await terminal.shows('no-audio-received');
  await terminal.shows('next: ');
  await terminal.press('h', 'y');
  await terminal.shows(/terminated \(hung up\)/);
  await terminal.press('q', 'y');
  await isClean(terminal, 0);
}

/** A call of the agent with its screen; leaving the screen leaves the call, another screen finds it and ends it. */
async function attached(lab: Lab): Promise<void> {
  const ringback = await startRingback(lab);
  // The path of a socket has room for 107 bytes, which the lab's own folder may not leave.
  const folder = mkdtempSync(join(tmpdir(), 'rb-'));
  lab.defer(() => rmSync(folder, { recursive: true }));
  const env = ['env', `XDG_RUNTIME_DIR=${folder}`, ...lab.ringback];
  lab.defer(async () => {
    await output([...env, 'stop']).catch(() => '');
  });
  const to = `sip:echo@${LOOPBACK}:${ringback.port}`;
  const first = await openTerminal(lab, [...env, 'call', '--to', to, '--play', 'tone', '--screen']);
  await first.shows('LADDER');
  await first.shows(/established +0:/);
  await first.shows(/4\d|5\d\/s in/);
  await first.press('o');
  await first.shows(/held +0:/);
  await first.press('o');
  await first.shows(/established +0:/);
  await first.press('q');
  await isClean(first, 0);
  check((await output([...env, 'status'])).includes('established'), 'the call went with the screen');
  const second = await openTerminal(lab, [...env, 'attach'], { columns: 100, rows: 30 }, 'second');
  await second.shows(/established +0:/);
  await second.press('h', 'y');
  await second.shows(/ended +0:/);
  await second.press('q');
  await isClean(second, 0);
  await ringback.stop();
}

function nameOf(pid: number): string {
  return Bun.spawnSync(['ps', '-o', 'comm=', '-p', `${pid}`]).stdout.toString();
}

export const screenScenarios: readonly Scenario[] = [
  { name: 'the screen shows a call and hangs it up by key, tmux', needs, run: hangUpByKey },
  { name: 'the screen asks before it leaves with a call, tmux', needs, run: leaveWithCalls },
  { name: 'the screen follows the size of its terminal, tmux', needs, run: everySize },
  { name: 'the demo on a terminal: the mute call is found, explained and hung up, tmux', needs, run: demo },
  { name: 'a call of the agent on the screen, left and attached to again, tmux', needs, run: attached },
  { name: 'SIGTERM ends the calls and restores the terminal, tmux', needs, run: killed },
];
