/**
 * Our address towards the server: by the route to that very server, while the network changes under a call, and with
 * Contacts of others that cannot be reached. Kamailio's table and the audio at both ends are the judges.
 */
import { join } from 'node:path';
import { type Caller, startCall } from '../caller.ts';
import { type Kamailio, startKamailio } from '../kamailio.ts';
import { check, type Lab, output, sleep, until } from '../lab.ts';
import { OUTSIDE, openInternet } from '../nat-network.ts';
import { type Ringback, startRingback } from '../ringback.ts';
import type { Scenario } from '../scenario.ts';
import { sippPassed, startSipp } from '../sipp.ts';
import { FAR, FAR_IPV6, LAN, LAN_IPV6, openTwoWays, TUNNEL, type TwoWays } from '../two-ways.ts';
import { registered } from './registration.ts';

const needs = ['kamailio', 'kamcmd', 'ip'];
/** What `lan` has after the change. */
const LAN_NEW = '198.18.0.77';

interface Place extends TwoWays {
  readonly kamailio: Kamailio;
  readonly echo: Ringback;
  readonly trace: string;
}

/** The echo inside as user 100, registered at Kamailio outside; `routes` are set first. */
async function openPlace(
  lab: Lab,
  routes: readonly string[],
  { far = FAR, transport = 'udp' }: { far?: string; transport?: 'udp' | 'tcp' } = {},
): Promise<Place> {
  const ways = await openTwoWays(lab);
  for (const route of routes) await ways.ip(route);
  const kamailio = await startKamailio(ways.outside, { address: far.includes(':') ? `[${far}]` : far });
  const trace = join(lab.dir, 'echo.trace');
  const server = ['--server', far, '--port', `${kamailio.port}`, '--domain', kamailio.domain];
  const args = ['--user', '100', ...server, '--transport', transport, '--sip-port', '5060', '--raw'];
  const echo = await startRingback(ways.inside, [...args, '--trace', trace], {
    bare: true,
    env: { SIP_PASSWORD: kamailio.password },
  });
  await registered(echo);
  return { ...ways, kamailio, echo, trace };
}

/** A caller outside talks to the echo by way of Kamailio until it is told to stop. */
function callEcho({ outside, kamailio }: Place, far = FAR): Caller {
  const proxy = `${far.includes(':') ? `[${far}]` : far}:${kamailio.port}`;
  const ports = ['--sip-port', '0', '--rtp-ports', outside.rtpPorts.join('-')];
  const to = ['--to', `100@${kamailio.domain}`, '--proxy', proxy, '--transport', 'udp'];
  return startCall(outside, 'caller', [...to, '--play', 'tone', ...ports]);
}

/** The address in the last Contact of the echo's own messages with that start line. */
function contactIn({ echo }: Place, startLine: RegExp): string {
  const sent = echo.all('sip.sent').filter((event) => startLine.test(event.startLine));
  return /^Contact: <sip:[^@>]*@(\[[^\]]+\]|[^:;>]+)/m.exec(sent.at(-1)?.raw ?? '')?.[1] ?? 'none';
}

/** The addresses at which Kamailio would call user 100. */
async function boundAt({ kamailio }: Place): Promise<string[]> {
  const table = await kamailio.locations();
  return [...table.matchAll(/Address: sip:100@(\[[^\]]+\]|[^:;\s]+)/g)].map(([, address]) => address ?? '');
}

/** Both ends hear 50 more packets from now on. */
async function audioGoesOn(echo: Ringback, caller: Caller, what: string): Promise<void> {
  const heard = () => ({
    echo: echo.all('media.sampled').at(-1)?.packetsReceived ?? 0,
    caller: caller.all('media.sampled').at(-1)?.packetsReceived ?? 0,
  });
  const before = heard();
  await until(
    `audio both ways ${what}`,
    () => heard().echo >= before.echo + 50 && heard().caller >= before.caller + 50,
    8_000,
  );
}

/** The echo leaves, and its trace, with what the network did, plays the same. */
async function leaves({ echo, inside, trace }: Place, changes: number): Promise<void> {
  await echo.stop();
  const text = await Bun.file(trace).text();
  const told = text.split('\n').filter((line) => line.includes('"type":"addresses"')).length;
  check(told >= changes, `${told} changes of the network stand in the trace, ${changes} are due`);
  await output([...inside.ringback, 'replay', trace]);
}

/** A tunnel has the route to Kamailio, by a policy and a table of its own as VPNs do it; all else goes by `lan`. */
async function byTunnel(lab: Lab): Promise<void> {
  const place = await openPlace(lab, [
    'route add default via 198.18.0.1',
    `route add ${FAR} via 10.8.0.1 table 77`,
    `rule add to ${FAR} table 77`,
  ]);
  const bound = await boundAt(place);
  check(bound.join() === TUNNEL, `Kamailio has ${bound.join()}, not the tunnel’s address`);
  const caller = callEcho(place);
  await caller.wait('call.changed', ({ to }) => to === 'established', 10_000);
  await audioGoesOn(place.echo, caller, 'by the tunnel');
  check(contactIn(place, /^SIP\/2.0 200/) === TUNNEL, `the Contact is ${contactIn(place, /^SIP\/2.0 200/)}`);
  const { localAddress } = await place.echo.wait('media.started');
  check(localAddress === TUNNEL, `the SDP has ${localAddress}`);
  const said = place.echo.all('address.discovered').map(({ address }) => address);
  check(said.includes(TUNNEL), `address.discovered names ${said.join()} only`);
  place.echo.say('hangup-all');
  await caller.ends(0);
  await leaves(place, 0);
}

/** Another address in the middle of a call: it goes on, and Kamailio has the new binding alone. */
async function renumbered(lab: Lab, transport: 'udp' | 'tcp'): Promise<void> {
  const place = await openPlace(lab, ['route add default via 198.18.0.1'], { transport });
  const { echo, ip } = place;
  const caller = callEcho(place);
  await caller.wait('call.changed', ({ to }) => to === 'established', 10_000);
  await audioGoesOn(echo, caller, 'before the change');
  await ip(`address del ${LAN}/24 dev lan`);
  await ip(`address add ${LAN_NEW}/24 dev lan`);
  await ip('route replace default via 198.18.0.1');
  await echo.wait('media.started', ({ localAddress }) => localAddress === LAN_NEW, 10_000);
  await audioGoesOn(echo, caller, 'after the change');
  const bound = await boundAt(place);
  check(bound.join() === LAN_NEW, `Kamailio has ${bound.join()}, not ${LAN_NEW} alone`);
  check(contactIn(place, /^INVITE /) === LAN_NEW, `the re-INVITE has ${contactIn(place, /^INVITE /)}`);
  const invites = echo.all('sip.sent').filter(({ startLine }) => startLine.startsWith('INVITE'));
  check(invites.length === 1, `${invites.length} re-INVITEs were sent`);
  // A BYE from the other side finds the new address.
  caller.kill('SIGINT');
  await echo.wait('call.changed', ({ reason }) => reason?.startsWith('BYE received') === true);
  await leaves(place, 1);
}

/** The cable is out for 10 s under a call. */
async function linkDown(lab: Lab): Promise<void> {
  const place = await openPlace(lab, ['route add default via 198.18.0.1'], { transport: 'tcp' });
  const { echo, ip } = place;
  const caller = callEcho(place);
  await caller.wait('call.changed', ({ to }) => to === 'established', 10_000);
  await audioGoesOn(echo, caller, 'before the cable is out');
  const registers = () =>
    echo.all('sip.sent').filter(({ startLine }) => startLine.startsWith('REGISTER')).length;
  const before = registers();
  await ip('link set tunnel down');
  await ip('link set lan down');
  await sleep(10_000);
  check(registers() - before <= 2, `${registers() - before} REGISTERs without a network`);
  await ip('link set lan up');
  await ip('route add default via 198.18.0.1');
  await until('a REGISTER when the network is back', () => registers() > before, 6_000);
  await audioGoesOn(echo, caller, 'after the cable is in again');
  await sleep(3_000);
  check(registers() - before <= 4, `${registers() - before} REGISTERs for one gap`);
  const { to } = echo.all('registration.changed').at(-1) ?? { to: 'none' };
  check(to === 'registered', `the registration is ${to}`);
  check((await boundAt(place)).join() === LAN, 'Kamailio has another binding');
  caller.kill('SIGINT');
  await echo.wait('call.changed', ({ to: state }) => state === 'terminated');
  await leaves(place, 2);
}

/** No IPv4 at all. */
async function ipv6Only(lab: Lab): Promise<void> {
  const routes = [
    `address del ${LAN}/24 dev lan`,
    `address del ${TUNNEL}/24 dev tunnel`,
    '-6 route add default via fd12:1::1',
  ];
  const place = await openPlace(lab, routes, { far: FAR_IPV6 });
  const bound = await boundAt(place);
  check(bound.join() === `[${LAN_IPV6}]`, `Kamailio has ${bound.join()}`);
  const caller = callEcho(place, FAR_IPV6);
  await caller.wait('call.changed', ({ to }) => to === 'established', 10_000);
  await audioGoesOn(place.echo, caller, 'over IPv6');
  const { localAddress } = await place.echo.wait('media.started');
  check(localAddress === LAN_IPV6, `the SDP has ${localAddress}`);
  place.echo.say('hangup-all');
  await caller.ends(0);
  await leaves(place, 0);
}

/** SIPp at home behind a NAT, with the private Contact that it has there; the echo outside hangs up. */
async function privateContact(lab: Lab, args: readonly string[], reached: boolean): Promise<void> {
  const internet = await openInternet(lab);
  const home = await internet.home(['port restricted']);
  const echo = await startRingback(internet.outside, ['--sip-port', '5060', ...args], { bare: true });
  const local = home.address;
  const sipp = await startSipp(home.inside, 'hangup-by-echo', {
    target: `${OUTSIDE}:5060`,
    local,
    port: 5060,
  });
  const { call } = await echo.wait('call.changed', ({ to }) => to === 'established', 10_000);
  echo.say(`hangup ${call}`);
  if (reached) {
    await sippPassed(lab, sipp);
    const { severity } = await echo.wait('diagnosis.raised', ({ code }) => code === 'contact-private');
    check(severity === 'info', `it is said as ${severity}`);
    const remotes = echo.all('sip.sent').filter(({ startLine }) => startLine.startsWith('BYE'));
    check(!remotes.some(({ remote }) => remote.startsWith(local)), 'a BYE went to the private address');
  } else {
    await sleep(3_000);
    const answered = echo.all('sip.received').some(({ cseq }) => cseq?.endsWith('BYE') === true);
    check(!answered, 'the BYE was answered');
    const bye = echo.all('sip.sent').find(({ startLine }) => startLine.startsWith('BYE'));
    check(bye?.remote.startsWith(local) === true, `the BYE went to ${bye?.remote}`);
  }
  echo.kill('SIGKILL');
}

const natNeeds = ['ip', 'nft', 'sipp'];

export const addressScenarios: readonly Scenario[] = [
  { name: 'addresses: a tunnel with a policy of its own to the server', needs, run: byTunnel },
  ...(['udp', 'tcp'] as const).map(
    (transport): Scenario => ({
      name: `addresses: another one in the middle of a call, ${transport}`,
      needs,
      limitS: 40,
      run: (lab) => renumbered(lab, transport),
    }),
  ),
  { name: 'addresses: the link is down for 10 s under a call', needs, limitS: 60, run: linkDown },
  { name: 'addresses: IPv6 alone', needs, run: ipv6Only },
  {
    name: 'addresses: a private Contact behind a NAT is called where it is heard',
    needs: natNeeds,
    run: (lab) => privateContact(lab, [], true),
  },
  {
    name: 'addresses: a private Contact as sent is not reached, --contact-as-sent',
    needs: natNeeds,
    run: (lab) => privateContact(lab, ['--contact-as-sent'], false),
  },
];
