/** Calls that the agent holds, changed by commands beside it, with SIPp as the callee: hold, resume, glare, a refusal. */
import { check, type Lab, LOOPBACK, tail, within } from '../lab.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { answers, ended, gets, replies, type Step, startUas } from '../uas.ts';

type Transport = 'udp' | 'tcp';

/** Runs one command of ringback to its end, with an agent of the lab's own; what it wrote. */
async function command(lab: Lab, code: number, ...words: readonly string[]): Promise<string> {
  const env = { XDG_RUNTIME_DIR: lab.dir };
  const peer = lab.spawn(`ringback-${words[0]}`, [...lab.ringback, ...words], env);
  const exited = await within(`ringback ${words[0]}`, peer.exited, 15_000);
  check(exited === code, `ringback ${words[0]} ended with ${exited}, not ${code}: ${tail(peer.output(), 6)}`);
  return peer.output();
}

const established: readonly Step[] = [
  gets('INVITE'),
  answers('180 Ringing'),
  answers('200 OK', { sdp: true }),
  gets('ACK'),
];

const HANDLE = 'call-anonymous-callee-001';

function changed(name: string, steps: readonly Step[], commands: (lab: Lab) => Promise<void>): Scenario[] {
  const run = async (lab: Lab, transport: Transport) => {
    const uas = await startUas(lab, transport, [...established, ...steps, ...ended]);
    const to = `sip:callee@${LOOPBACK}:${uas.port};transport=${transport}`;
    const [first, last] = lab.rtpPorts;
    lab.defer(async () => {
      await Bun.spawn([...lab.ringback, 'stop'], { env: { ...process.env, XDG_RUNTIME_DIR: lab.dir } })
        .exited;
    });
    const network = ['--bind', LOOPBACK, '--sip-port', '0', '--rtp-ports', `${first}-${last}`];
    const said = await command(lab, 0, 'call', '--to', to, ...network);
    check(said.includes('[STATE] established'), `the transcript:\n${said}`);
    await commands(lab);
    await command(lab, 0, 'hangup', '--call-id', HANDLE);
    await uas.passed();
  };
  return overBoth(name, run, { needs: ['sipp'] });
}

const hold = (lab: Lab, code = 0) => command(lab, code, 'hold', '--call-id', HANDLE);
const resume = (lab: Lab) => command(lab, 0, 'resume', '--call-id', HANDLE);
const taken: readonly Step[] = [replies('200 OK', { sdp: true }), gets('ACK')];

export const changingScenarios: readonly Scenario[] = [
  ...changed(
    'agent: hold and resume',
    [
      gets('INVITE', { has: ['a=(sendonly|inactive)'] }),
      ...taken,
      gets('INVITE', { has: ['a=sendrecv'] }),
      ...taken,
    ],
    async (lab) => {
      await hold(lab);
      await resume(lab);
    },
  ),
  ...changed(
    'agent: glare (491), asked again after a while',
    [
      gets('INVITE'),
      replies('491 Request Pending'),
      gets('ACK'),
      gets('INVITE', { has: ['a=(sendonly|inactive)'] }),
      ...taken,
    ],
    async (lab) => {
      await hold(lab);
    },
  ),
  ...changed(
    'agent: hold is refused, and the call stands',
    [gets('INVITE'), replies('488 Not Acceptable Here'), gets('ACK')],
    async (lab) => {
      await hold(lab, 4);
    },
  ),
];
