/** What strangers cost: floods, silence, and addresses that are somebody else's. */
import { check, type Lab, sleep, until } from '../lab.ts';
import { isResponse, offerText, openRawPeer, requestText } from '../raw-peer.ts';
import { startRingback } from '../ringback.ts';
import type { Scenario } from '../scenario.ts';

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

export const strangerScenarios: readonly Scenario[] = [
  { name: 'a flood of bad datagrams, udp', run: flood },
  { name: 'INVITEs that nobody acknowledges, a stream that says nothing', run: unproven, limitS: 60 },
];
