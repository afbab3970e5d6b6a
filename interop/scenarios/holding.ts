/** Hold and resume from either side of a call through Kamailio, with its Record-Route: the commands, and a real phone. */
import { startBaresip } from '../baresip.ts';
import { startCapture } from '../capture.ts';
import { AGENT_AUDIO, checkEnded, openCommands, registerWords } from '../commands.ts';
import { startKamailio } from '../kamailio.ts';
import { check, type Lab, sleep, until } from '../lab.ts';
import type { Scenario } from '../scenario.ts';

const HANDLE = 'call-100-101-001';

function changed(sequence: number, state: 'held' | 'established'): string[] {
  return [
    `[TX] INVITE cseq=${sequence} call_id=${HANDLE}`,
    '[RX] 200 OK',
    `[TX] ACK cseq=${sequence}`,
    `[STATE] ${state}`,
    '[EXIT] code=0',
  ];
}

async function bothSidesHold(lab: Lab): Promise<void> {
  const kamailio = await startKamailio(lab);
  const phone = await startBaresip(lab, kamailio, 'udp', { user: '101', answers: true });
  const commands = openCommands(lab, kamailio.password);
  const capture = await startCapture(lab, `udp and (port ${kamailio.port} or ${AGENT_AUDIO})`, [
    kamailio.port,
  ]);
  checkEnded('register', await commands.run(...registerWords('100', kamailio.port, kamailio.domain)), 0);
  const to = `101@${kamailio.domain}`;
  checkEnded('call', await commands.run('call', '--from', '100', '--to', to, '--play', 'tone'), 0);
  await phone.event('CALL_ESTABLISHED');
  await sleep(500);

  const withoutTrying = async (...words: string[]) => {
    const ended = await commands.run(...words, '--call-id', HANDLE);
    return { ...ended, stdout: ended.stdout.replace(/^\[RX\] 100 .*\n/m, '') };
  };
  // Other scenarios have audio on the same interface.
  const audioPort = (await commands.status()).flatMap(({ calls }) => calls)[0]?.audioPort;
  checkEnded('hold', await withoutTrying('hold'), 0, changed(2, 'held'));
  const heldFrom = Date.now() / 1000;
  await sleep(1_000);
  const heldUntil = Date.now() / 1000;
  checkEnded('hold again', await commands.run('hold', '--call-id', HANDLE), 0);
  checkEnded('resume', await withoutTrying('resume'), 0, changed(3, 'established'));

  const stateIs = (state: string) => async () => {
    const agent = (await commands.status()).find(({ kind }) => kind === 'agent');
    return agent?.calls[0]?.state === state;
  };
  phone.command('hold');
  await until('the phone to hold', stateIs('held'));
  checkEnded('resume what the phone holds', await commands.run('resume', '--call-id', HANDLE), 4);
  phone.command('resume');
  await until('the phone to resume', stateIs('established'));
  await sleep(500);
  checkEnded('hangup', await commands.run('hangup', '--call-id', HANDLE), 0);
  await phone.event('CALL_CLOSED');
  await capture.stop();

  const between = `frame.time_epoch > ${heldFrom + 0.2} && frame.time_epoch < ${heldUntil}`;
  const media = await capture.fields(
    `udp.length == 180 && udp.port == ${audioPort} && ${between}`,
    'udp.srcport',
  );
  const sources = new Set(media.map(([port]) => port));
  check(sources.size === 1, `on hold, one side sends; ports that sent: ${[...sources].join(' ')}`);
  const statuses = await capture.fields(
    `udp.port == ${kamailio.port} && sip.CSeq.method == "INVITE" && sip.Status-Code >= 300`,
    'sip.Status-Code',
  );
  // The one refusal: Kamailio wants credentials for the first INVITE.
  const strange = statuses.filter(([status]) => status !== '407');
  check(strange.length === 0, `re-INVITEs were refused: ${strange.join(' ')}`);
}

export const holdingScenarios: readonly Scenario[] = [
  {
    name: 'lab: both sides hold and resume, with Kamailio and baresip',
    needs: ['kamailio', 'kamcmd', 'baresip', 'tshark'],
    run: bothSidesHold,
  },
];
