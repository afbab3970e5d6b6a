/**
 * Flows (RFC 5626): the echo behind Kamailio as edge proxy and registrar, with its outbound, path and stun modules;
 * what happens when a flow is cut, with a word and without; Service-Route (RFC 3608); and baresip, which speaks outbound
 * too, at our registrar.
 */
import { startBaresip } from '../baresip.ts';
import { startCapture } from '../capture.ts';
import { type Kamailio, startKamailio } from '../kamailio.ts';
import { check, type Lab, LOOPBACK, output, sleep } from '../lab.ts';
import { type Ringback, startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { runSipp } from '../sipp.ts';
import { registered } from './registration.ts';

type Transport = 'udp' | 'tcp';

interface Flows {
  readonly edge: Kamailio;
  readonly registrar: Kamailio;
}

/** A registrar, and the edge proxy before it that keeps the flows. */
async function startFlows(lab: Lab): Promise<Flows> {
  const ahead = lab.port();
  const registrar = await startKamailio(lab, {
    config: 'outbound.cfg',
    defines: [`SERVICE_ROUTE="Service-Route: <sip:orig@${LOOPBACK}:${ahead};lr>\\r\\n"`],
  });
  const edge = await startKamailio(lab, {
    config: 'outbound.cfg',
    port: ahead,
    defines: ['EDGE=1', `REGISTRAR="sip:${LOOPBACK}:${registrar.port}"`],
  });
  return { edge, registrar };
}

function startEcho(
  lab: Lab,
  { edge }: Flows,
  transport: Transport,
  args: readonly string[] = [],
): Promise<Ringback> {
  const server = ['--server', LOOPBACK, '--port', `${edge.port}`, '--domain', edge.domain];
  return startRingback(lab, ['--user', '100', ...server, '--transport', transport, '--raw', ...args], {
    env: { SIP_PASSWORD: edge.password },
  });
}

const call = (lab: Lab, { registrar }: Flows) =>
  runSipp(lab, 'call', { target: `${LOOPBACK}:${registrar.port}`, service: '100', args: ['-d', '300'] });

/** Each INVITE came from the edge proxy, over the transport that was registered. */
function checkWay(ringback: Ringback, { edge }: Flows, transport: Transport, calls: number): void {
  const invites = ringback.all('sip.received').filter(({ startLine }) => startLine.startsWith('INVITE '));
  check(invites.length === calls, `${invites.length} INVITE came, not ${calls}`);
  for (const { transport: used, remote } of invites) {
    check(used === transport && remote === `${LOOPBACK}:${edge.port}`, `an INVITE by ${used} from ${remote}`);
  }
}

/** The bindings of 100, as Kamailio counts them. */
const bindingsIn = (locations: string) => (locations.match(/Address: sip:100@/g) ?? []).length;

async function calledOverFlow(lab: Lab, transport: Transport): Promise<void> {
  const flows = await startFlows(lab);
  const capture = await startCapture(lab, `port ${flows.edge.port}`, [flows.edge.port]);
  const ringback = await startEcho(lab, flows, transport, ['--keepalive', '3']);
  await registered(ringback);
  const said = ringback.all('registration.changed').at(-1);
  check(said?.outbound === true, `the registrar did not say outbound: ${JSON.stringify(said)}`);
  const locations = await flows.registrar.locations();
  check(/Instance: .*urn:uuid:/.test(locations), `no instance:\n${locations}`);
  check(/Reg-?Id: 1/i.test(locations), `no reg-id:\n${locations}`);
  check(/Path: .*;ob/.test(locations), `no Path with ob:\n${locations}`);
  await call(lab, flows);
  checkWay(ringback, flows, transport, 1);
  await sleep(7_000);
  await capture.stop();
  if (transport === 'udp') {
    const answers = await capture.fields('stun.type == 0x0101', 'frame.number');
    check(answers.length >= 2, `${answers.length} answers to STUN keepalives in 7 s`);
  }
  const changes = ringback.all('registration.changed').map(({ to }) => to);
  check(changes.join(' ') === 'registering registered', `it went ${changes.join(' ')}`);
  await ringback.stop();
  const after = await flows.registrar.locations();
  check(bindingsIn(after) === 0, `still bound after the end:\n${after}`);
}

/** The edge proxy is gone and comes back: the flow is replaced, and no second binding stands beside it. */
async function killed(lab: Lab): Promise<void> {
  const flows = await startFlows(lab);
  const ringback = await startEcho(lab, flows, 'tcp', ['--keepalive', '3']);
  await registered(ringback);
  await sleep(11_000);
  await flows.edge.stop();
  await flows.edge.start();
  await registered(ringback, 2, 20_000);
  const locations = await flows.registrar.locations();
  check(bindingsIn(locations) === 1, `not one binding:\n${locations}`);
  await call(lab, flows);
  checkWay(ringback, flows, 'tcp', 1);
  await ringback.stop();
}

/** The registration is lost within two intervals of the keepalive, by ringback's clock; why. */
async function noticed(ringback: Ringback, droppedAtMs: number, keepaliveS: number): Promise<string> {
  const lost = await ringback.wait('registration.changed', ({ to }) => to === 'retrying', 20_000);
  const tookMs = ringback.timeOf(lost) - droppedAtMs;
  check(tookMs < 2 * keepaliveS * 1_000 + 500, `it was noticed after ${tookMs.toFixed(0)} ms`);
  return lost.reason ?? '';
}

/** A firewall that forgets: nothing says that the connection is dead but the pong that does not come. */
async function dropped(lab: Lab): Promise<void> {
  const flows = await startFlows(lab);
  const keepaliveS = 4;
  const ringback = await startEcho(lab, flows, 'tcp', ['--keepalive', `${keepaliveS}`]);
  await registered(ringback);
  await sleep(11_000);
  const local = await localPortTo(ringback.pid, flows.edge.port);
  await drop(lab, 'tcp', local, flows.edge.port);
  const why = await noticed(ringback, Date.now(), keepaliveS);
  check(/keepalives/.test(why), `lost: ${why}`);
  await registered(ringback, 2, 5_000);
  check((await localPortTo(ringback.pid, flows.edge.port)) !== local, 'still the same connection');
  await call(lab, flows);
  checkWay(ringback, flows, 'tcp', 1);
  await ringback.stop();
}

/** Over UDP it is the STUN answer that does not come; the flow is back once packets pass again. */
async function droppedDatagrams(lab: Lab): Promise<void> {
  const flows = await startFlows(lab);
  const keepaliveS = 4;
  const ringback = await startEcho(lab, flows, 'udp', ['--keepalive', `${keepaliveS}`]);
  await registered(ringback);
  await sleep(11_000);
  const pass = await drop(lab, 'udp', `${ringback.port}`, flows.edge.port);
  const why = await noticed(ringback, Date.now(), keepaliveS);
  check(/STUN/.test(why), `lost: ${why}`);
  await pass();
  await registered(ringback, 2, 12_000);
  await call(lab, flows);
  checkWay(ringback, flows, 'udp', 1);
  await ringback.stop();
}

/** The port of the echo's connection to that port. */
async function localPortTo(pid: number, port: number): Promise<string> {
  const listed = await output(['ss', '-tnpH', 'state', 'established', `dport = :${port}`]);
  const line = listed.split('\n').find((one) => one.includes(`pid=${pid},`));
  const found = /:(\d+)\s+\S+:\d+\s/.exec(line ?? '')?.[1];
  check(found !== undefined, `no connection of the echo to ${port}:\n${listed}`);
  return found;
}

/** Nothing passes between these two ports any more, in either direction, and nobody is told; until it is taken back. */
async function drop(
  lab: Lab,
  transport: Transport,
  one: string,
  other: number,
): Promise<() => Promise<void>> {
  const table = `dropped_${other}`;
  const rules = [
    `add table inet ${table}`,
    `add chain inet ${table} heard { type filter hook input priority 0 ; }`,
    `add rule inet ${table} heard ${transport} sport ${one} ${transport} dport ${other} drop`,
    `add rule inet ${table} heard ${transport} sport ${other} ${transport} dport ${one} drop`,
  ];
  await output(['nft', rules.join('; ')]);
  let there = true;
  const pass = async () => {
    if (there) await output(['nft', 'delete', 'table', 'inet', table]);
    there = false;
  };
  lab.defer(pass);
  return pass;
}

/** A call of ours goes the way that the registrar has named (RFC 3608), and its BYE by the Record-Route. */
async function serviceRoute(lab: Lab, transport: Transport): Promise<void> {
  const flows = await startFlows(lab);
  const ringback = await startEcho(lab, flows, transport);
  await registered(ringback);
  ringback.say(`call sip:404@${flows.edge.domain}`);
  await ringback.wait('call.changed', ({ to }) => to === 'terminated');
  const invite = ringback.all('sip.sent').find(({ startLine }) => startLine.startsWith('INVITE '));
  const route = `Route: <sip:orig@${LOOPBACK}:${flows.edge.port};lr>`;
  check(invite?.raw?.includes(route) === true, `no ${route} in:\n${invite?.raw}`);
  check(invite.raw.includes(';ob>'), `no ob in the Contact of:\n${invite.raw}`);
  const passed = new RegExp(`EDGE INVITE sip:404@\\S+ route <sip:orig@${LOOPBACK}`).test(flows.edge.log());
  check(passed, `the edge proxy saw no such Route:\n${flows.edge.log()}`);
  await ringback.stop();
}

/** OPTIONS in place of line breaks: sent, answered, and by tshark's word nothing else. */
async function optionsKeepalive(lab: Lab, transport: Transport): Promise<void> {
  const flows = await startFlows(lab);
  const capture = await startCapture(lab, `port ${flows.edge.port}`, [flows.edge.port]);
  const args = ['--keepalive', '2', '--keepalive-by', 'options'];
  const ringback = await startEcho(lab, flows, transport, args);
  await registered(ringback);
  await sleep(7_000);
  await ringback.stop();
  await capture.stop();
  const asked = await capture.fields('sip.Method == "OPTIONS"', 'sip.CSeq.seq');
  const answered = await capture.fields(
    'sip.CSeq.method == "OPTIONS" && sip.Status-Code == 200',
    'frame.number',
  );
  check(asked.length >= 3, `${asked.length} OPTIONS in 7 s, one every 2 s at least`);
  check(answered.length >= asked.length - 1, `${answered.length} answers to ${asked.length} OPTIONS`);
  const stun = await capture.fields('stun', 'frame.number');
  check(stun.length === 0, `${stun.length} STUN packets beside them`);
}

/** baresip registers its flow with our registrar, and is called over it. */
async function baresipFlow(lab: Lab, transport: Transport): Promise<void> {
  const users = ['100', '200'].flatMap((user) => ['--user', `${user}:secret`]);
  const registrar = await startRingback(lab, ['--domain', 'lab.local', '--raw', ...users], {
    command: 'registrar',
    name: 'registrar',
  });
  const proxy = { port: registrar.port, domain: 'lab.local', password: 'secret' };
  const phone = await startBaresip(lab, proxy, transport, { user: '200', answers: true, flow: true });
  await registrar.wait('binding.changed', ({ change }) => change === 'added');
  const came = registrar.all('sip.received').filter(({ startLine }) => startLine.startsWith('REGISTER '));
  const raw = came.at(-1)?.raw ?? '';
  check(/reg-id=\d/.test(raw) && /\+sip\.instance=/.test(raw), `baresip registers no flow:\n${raw}`);
  const granted = registrar.all('sip.sent').find(({ raw: text }) => text?.includes('Require: outbound'));
  check(granted?.raw?.includes('Flow-Timer: ') === true, 'its flow was not bound');
  await runSipp(lab, 'proxied-call', {
    target: `${LOOPBACK}:${registrar.port}`,
    service: '200',
    args: ['-d', '500'],
  });
  await phone.event('CALL_ESTABLISHED');
  // SIPp may have ended before what the registrar said of it was read.
  await registrar.wait('sip.sent', ({ startLine }) => startLine.startsWith('BYE '));
  const sent = registrar.all('sip.sent').filter(({ startLine, remote }) => {
    return /^(INVITE|ACK|BYE) /.test(startLine) && remote === came.at(-1)?.remote;
  });
  const methods = sent.map(({ startLine }) => startLine.split(' ')[0]).join(' ');
  check(methods === 'INVITE ACK BYE', `down its flow went: ${methods}`);
  phone.command('quit');
  await registrar.wait('binding.changed', ({ change }) => change === 'removed');
  await registrar.stop();
}

const needs = ['kamailio', 'kamcmd', 'sipp', 'tshark'];

export const outboundScenarios: readonly Scenario[] = [
  ...overBoth('outbound: at Kamailio by instance and reg-id, called over its flow', calledOverFlow, {
    needs,
  }),
  {
    name: 'outbound: the edge proxy is started again, and the flow replaced, tcp',
    needs,
    run: killed,
    limitS: 60,
  },
  {
    name: 'outbound: a connection that is dropped in silence is noticed within two intervals, tcp',
    needs: [...needs, 'nft', 'ss'],
    run: dropped,
    limitS: 60,
  },
  {
    name: 'outbound: a way that is dropped in silence is noticed within two intervals, udp',
    needs: [...needs, 'nft'],
    run: droppedDatagrams,
    limitS: 60,
  },
  ...overBoth('outbound: a call goes by the Service-Route', serviceRoute, { needs }),
  ...overBoth('outbound: OPTIONS as keepalive', optionsKeepalive, { needs }),
  ...overBoth('outbound: baresip and its flow at our registrar', baresipFlow, { needs: ['baresip', 'sipp'] }),
];
