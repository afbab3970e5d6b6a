/**
 * The three commands of the signaling lab against Kamailio and a real phone, each a process of its own: what they
 * print to the letter, and what was on the wire meanwhile.
 */
import { startBaresip } from '../baresip.ts';
import { startCapture } from '../capture.ts';
import { AGENT_AUDIO, checkEnded, openCommands, registerWords } from '../commands.ts';
import { startKamailio } from '../kamailio.ts';
import { check, type Lab, sleep, until } from '../lab.ts';
import { startRingback } from '../ringback.ts';
import type { Scenario } from '../scenario.ts';

const REGISTERED = [
  '[TX] REGISTER cseq=1',
  '[RX] 401 Unauthorized',
  '[TX] REGISTER cseq=2',
  '[RX] 200 OK',
  '[STATE] registered expires=3600',
  '[EXIT] code=0',
];

function established(handle: string): string[] {
  return [
    `[TX] INVITE cseq=1 call_id=${handle}`,
    '[RX] 100 Trying',
    '[RX] 180 Ringing',
    '[RX] 200 OK',
    '[TX] ACK cseq=1',
    '[STATE] established',
    '[EXIT] code=0',
  ];
}

function hungUp(handle: string, sequence: number): string[] {
  return [
    `[TX] BYE cseq=${sequence} call_id=${handle}`,
    '[RX] 200 OK',
    '[STATE] terminated',
    '[EXIT] code=0',
  ];
}

/** baresip behind Kamailio takes the call; tshark judges. */
async function threeCommands(lab: Lab): Promise<void> {
  const kamailio = await startKamailio(lab);
  const phone = await startBaresip(lab, kamailio, 'udp', { user: '101', answers: true });
  const commands = openCommands(lab, kamailio.password);
  const capture = await startCapture(lab, `udp and (port ${kamailio.port} or ${AGENT_AUDIO})`, [
    kamailio.port,
  ]);

  const register = await commands.run(...registerWords('100', kamailio.port, kamailio.domain));
  checkEnded('register', register, 0, REGISTERED);
  check(/AoR: 100/.test(await kamailio.locations()), 'Kamailio knows no 100');
  const call = await commands.run('call', '--from', '100', '--to', `101@${kamailio.domain}`);
  checkEnded('call', call, 0, established('call-100-101-001'));
  await phone.event('CALL_ESTABLISHED');
  const between = Date.now() / 1000;
  await sleep(2_000);
  const [agent] = await commands.status();
  check(agent?.calls[0]?.state === 'established', `the agent holds no call: ${JSON.stringify(agent?.calls)}`);
  const audioPort = agent.calls[0].audioPort;
  const hangup = await commands.run('hangup', '--call-id', 'call-100-101-001');
  checkEnded('hangup', hangup, 0, hungUp('call-100-101-001', 2));
  await phone.event('CALL_CLOSED');
  for (const { stderr } of [register, call, hangup]) check(stderr === '', `on stderr: ${stderr}`);
  checkEnded('stop', await commands.run('stop'), 0);
  check(!/AoR: 100/.test(await kamailio.locations()), 'still registered after stop');
  await capture.stop();

  const byes = await capture.fields(
    `udp.port == ${kamailio.port} && sip.CSeq.method == "BYE" && sip.Status-Code`,
    'sip.Status-Code',
  );
  check(
    byes.length > 0 && byes.every(([status]) => status === '200'),
    `the BYE was answered ${byes.join(' ')}`,
  );
  const media = await capture.fields(
    `udp.length == 180 && udp.port == ${audioPort} && frame.time_epoch > ${between} && frame.time_epoch < ${between + 2}`,
    'udp.srcport',
  );
  const sources = new Map<string, number>();
  for (const [port = ''] of media) sources.set(port, (sources.get(port) ?? 0) + 1);
  // 2 s of 20 ms from each side; the phone's are a tone, ours silence.
  check(
    sources.size === 2 && [...sources.values()].every((count) => count > 70),
    `between call and hangup, packets by port: ${JSON.stringify([...sources])}`,
  );
}

/** The agent refreshes what it holds while no command runs. */
async function refreshed(lab: Lab): Promise<void> {
  const kamailio = await startKamailio(lab);
  const commands = openCommands(lab, kamailio.password);
  const words = registerWords('100', kamailio.port, kamailio.domain);
  checkEnded('register', await commands.run(...words, '--expires', '4'), 0);
  const refreshes = () =>
    kamailio
      .log()
      .split('\n')
      .filter((line) => / REGISTERED .*expires 4/.test(line)).length;
  await until('three more REGISTERs that Kamailio took', () => refreshes() >= 4, 15_000);
  check(/AoR: 100/.test(await kamailio.locations()), 'Kamailio has forgotten 100');
  const remove = await commands.run('register', '--remove', '--user', '100');
  checkEnded('register --remove', remove, 0);
  check(remove.stdout.endsWith('[RX] 200 OK\n[STATE] unregistered\n[EXIT] code=0\n'), remove.stdout);
  check(!/AoR: 100/.test(await kamailio.locations()), 'still registered after --remove');
}

/** Each way to fail has its words and its code, and leaves nothing behind. */
async function failures(lab: Lab): Promise<void> {
  const kamailio = await startKamailio(lab);
  const commands = openCommands(lab, kamailio.password);
  const words = registerWords('100', kamailio.port, kamailio.domain);
  const refused = await commands.run(...words, '--password', 'wrong');
  checkEnded('register with a wrong password', refused, 3);
  check(refused.stdout.includes('\n[ERROR] '), `nothing explains it:\n${refused.stdout}`);
  const closed = lab.port();
  const elsewhere = registerWords('100', closed, kamailio.domain);
  const nobody = await commands.run(...elsewhere, '--transport', 'tcp');
  checkEnded('register where nobody listens', nobody, 6);
  check(/^\[STATE\] failed \(/m.test(nobody.stdout), `no end is said of it:\n${nobody.stdout}`);
  check(!nobody.stdout.includes('again in'), `another try is promised:\n${nobody.stdout}`);
  checkEnded('register', await commands.run(...words), 0);
  checkEnded('call to nobody', await commands.run('call', '--to', '999'), 4, [
    '[TX] INVITE cseq=1 call_id=call-100-999-001',
    '[RX] 404 Not Found',
    '[TX] ACK cseq=1',
    '[STATE] terminated 404 (Not Found)',
    '[ERROR] user-unknown: 404 Not Found',
    '    cause: nobody of that name is known in that domain',
    '    next: check the number and the domain',
    '[EXIT] code=4',
  ]);
  checkEnded('call from nobody', await commands.run('call', '--from', '7', '--to', '999'), 2);
  checkEnded('hangup of nothing', await commands.run('hangup', '--call-id', 'call-1-2-003'), 2);
  const [agent] = await commands.status();
  check(agent?.calls.length === 0, `calls are left: ${JSON.stringify(agent)}`);
}

/** Ctrl-C and the ring timeout take a call back with CANCEL. */
async function takenBack(lab: Lab): Promise<void> {
  const commands = openCommands(lab);
  const phone = await startRingback(lab, ['--answer-delay', '60'], { env: commands.env });
  const target = `sip:echo@127.0.0.1:${phone.port}`;
  const begun = commands.start('call', '--to', target);
  await phone.wait('call.changed', ({ to }) => to === 'ringing');
  begun.kill('SIGINT');
  checkEnded('call and Ctrl-C', await begun.ended, 130, [
    '[TX] INVITE cseq=1 call_id=call-anonymous-echo-001',
    '[RX] 100 Trying',
    '[RX] 180 Ringing',
    '[TX] CANCEL cseq=1',
    '[RX] 200 OK',
    '[RX] 487 Request Terminated',
    '[TX] ACK cseq=1',
    '[STATE] terminated (hung up)',
    '[EXIT] code=130',
  ]);
  const late = await commands.run('call', '--to', target, '--ring-timeout', '1');
  checkEnded('call with a ring timeout', late, 5);
  check(late.stdout.includes('[TX] CANCEL cseq=1'), late.stdout);
  // A command that is killed while its call rings: nobody would ever hang it up.
  const killed = commands.start('call', '--to', target);
  await until(
    'the third call',
    () => phone.all('call.changed').filter(({ to }) => to === 'ringing').length === 3,
  );
  killed.kill('SIGKILL');
  await until(
    'its end',
    () => phone.all('call.changed').filter(({ to }) => to === 'terminated').length === 3,
  );
  await phone.stop();
}

/** `--foreground` needs no agent, and `--seed` gives the same bytes twice. */
async function foreground(lab: Lab): Promise<void> {
  const commands = openCommands(lab);
  const phone = await startRingback(lab, [], { env: commands.env });
  const target = `sip:echo@127.0.0.1:${phone.port}`;
  const words = ['call', '--to', target, '--foreground', '--duration', '1', '--play', 'tone', '--seed', '7'];
  const port = `${lab.port()}`;
  const runs = [];
  for (let run = 0; run < 2; run++) {
    runs.push(await commands.run(...words, '--json', '--raw', '--sip-port', port, '--bind', '127.0.0.1'));
    // The phone must have forgotten the call, INVITE and BYE: the next one has its Call-ID, tags and branches.
    const forgotten = () => phone.all('transaction.changed').filter(({ to }) => to === 'terminated').length;
    if (run === 0) await until('Timers L and J', () => forgotten() === 2, 40_000);
  }
  const told = runs.map(({ stdout }) => repeatable(stdout));
  check(told[0] === told[1], `two runs of one seed differ:\n${told.join('\n---\n')}`);
  for (const run of runs) checkEnded('call --foreground', run, 0);
  check(
    (await commands.status()).every(({ kind }) => kind === 'echo'),
    'an agent was started',
  );
  // A busy machine sends less in a second, but what was sent has come.
  const sent = runs.map(({ stdout }) => packetsSent(stdout));
  const received = phone.all('media.stopped').map(({ packetsReceived }) => packetsReceived);
  check(
    received.length === 2 && received.every((count, run) => count > 10 && count >= (sent[run] ?? 0) - 1),
    `of ${sent} packets that were sent ${received} came`,
  );
  await phone.stop();
}

/** What the media.stopped of a run counted. */
function packetsSent(stdout: string): number {
  const line = stdout.split('\n').find((text) => text.includes('"type":"media.stopped"'));
  return Number((JSON.parse(line ?? '{}') as { packetsSent?: number }).packetsSent);
}

/** A stream of events without times, measurements and what the other side made up: the same in every run. */
function repeatable(stdout: string): string {
  const types = ['sip.sent', 'transaction.changed', 'dialog.changed', 'call.changed', 'session.stopped'];
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ type }) => types.includes(String(type)))
    .map(({ seq: _seq, atMs: _at, durationMs: _lasted, remoteTag: _tag, raw, ...rest }) => {
      // Our port for audio is the next one of the reserve.
      const message = String(raw ?? '').replace(/;tag=[0-9a-f]+(?=\r\nCall-ID)|m=audio \d+/g, '');
      return JSON.stringify({ ...rest, message });
    });
  // What was sent again because the other side took its time is the same line.
  return [...new Set(lines)].join('\n');
}

export const labScenarios: readonly Scenario[] = [
  {
    name: 'lab: register, call and hangup word for word, with Kamailio and baresip',
    needs: ['kamailio', 'kamcmd', 'baresip', 'tshark'],
    run: threeCommands,
  },
  {
    name: 'lab: a registration is refreshed while no command runs, and removed',
    needs: ['kamailio', 'kamcmd'],
    run: refreshed,
  },
  {
    name: 'lab: each failure has its words and its code',
    needs: ['kamailio', 'kamcmd'],
    run: failures,
    limitS: 60,
  },
  { name: 'lab: Ctrl-C, the ring timeout and kill take a ringing call back', run: takenBack },
  { name: 'lab: in the foreground, with a seed, twice the same', run: foreground, limitS: 100 },
];
