/** What the scenarios behind NATs have in common: the echo at home, Kamailio outside, and calls in and out. */
import { join } from 'node:path';
import { type Caller, startCall } from './caller.ts';
import { startCoturn } from './coturn.ts';
import { type Kamailio, startKamailio } from './kamailio.ts';
import { check, type Lab, tail, within } from './lab.ts';
import {
  type Home,
  type Internet,
  type NatKind,
  OUTSIDE,
  OUTSIDE_TOO,
  openInternet,
  PROBE_PORT,
  RTP_PORTS,
  SECOND_RTP_PORTS,
  SECOND_SIP_PORT,
  SIP_PORT,
} from './nat-network.ts';
import type { NatBehaviour } from './nat-probe.ts';
import { type Ringback, startRingback } from './ringback.ts';
import { registered } from './scenarios/registration.ts';

export const natNeeds = ['kamailio', 'kamcmd', 'ip', 'nft', 'conntrack', 'turnserver'];

export interface NatScene {
  readonly internet: Internet;
  readonly home: Home;
  readonly kamailio: Kamailio;
  /** The echo at home, user 100. */
  readonly echo: Ringback;
}

/** How the echo registers. */
export interface EchoOptions {
  readonly transport?: 'udp' | 'tcp';
  readonly forgetsS?: number;
  /** More flags. */
  readonly args?: readonly string[];
}

/** The behaviour that each kind of NAT is to show before it is trusted. */
const BEHAVIOURS: Readonly<Record<NatKind, Omit<NatBehaviour, 'mapped'>>> = {
  'full cone': { mapping: 'nothing', filtering: 'nothing' },
  'address restricted': { mapping: 'nothing', filtering: 'address' },
  'port restricted': { mapping: 'nothing', filtering: 'address and port' },
  symmetric: { mapping: 'the peer', filtering: 'address and port' },
};

/** A home behind these NATs, from the inside out, of which the last one decides what the world sees. */
export async function openNatScene(
  lab: Lab,
  kinds: readonly NatKind[],
  { transport = 'udp', forgetsS = 60, args = [] }: EchoOptions = {},
): Promise<NatScene> {
  const internet = await openInternet(lab);
  const home = await internet.home(kinds, forgetsS);
  startCoturn(internet.outside, [OUTSIDE, OUTSIDE_TOO]);
  const [kamailio] = await Promise.all([
    startKamailio(internet.outside, { address: OUTSIDE }),
    behavesAs(home, kinds.at(-1) as NatKind),
  ]);
  const account = accountOf(kamailio, '100', transport);
  const ports = ['--sip-port', `${SIP_PORT}`, '--rtp-ports', RTP_PORTS.join('-')];
  const env = { SIP_PASSWORD: kamailio.password };
  const echo = await startRingback(home.inside, [...account, ...ports, ...args], { bare: true, env });
  await registered(echo);
  return { internet, home, kamailio, echo };
}

/** The flags of an account at Kamailio; its password is in SIP_PASSWORD. */
export function accountOf(kamailio: Kamailio, user: string, transport: 'udp' | 'tcp'): string[] {
  const server = ['--server', OUTSIDE, '--port', `${kamailio.port}`, '--domain', kamailio.domain];
  return ['--user', user, ...server, '--transport', transport];
}

/** Asks the NAT how it behaves. */
export async function behavesAs(home: Home, kind: NatKind): Promise<void> {
  const program = join(import.meta.dir, 'nat-probe.ts');
  const argv = [process.execPath, program, home.address, `${PROBE_PORT}`, OUTSIDE, OUTSIDE_TOO];
  const probe = home.inside.spawn('probe', argv);
  await within('the probe to end', probe.exited, 15_000);
  const said = JSON.parse(tail(probe.output(), 1)) as NatBehaviour;
  const { mapping, filtering } = BEHAVIOURS[kind];
  const [address] = said.mapped.split(':');
  check(
    said.mapping === mapping && said.filtering === filtering && address === home.publicAddress,
    `the NAT is no ${kind}: ${JSON.stringify(said)}\n${tail(await home.rules(), 80)}`,
  );
}

/** A caller outside calls the echo, by way of Kamailio, and talks; it hangs up after so long. */
export function callIn(
  { internet, kamailio }: NatScene,
  seconds: number,
  args: readonly string[] = [],
): Caller {
  const { outside } = internet;
  const ports = ['--sip-port', '0', '--rtp-ports', outside.rtpPorts.join('-')];
  return startCall(outside, 'caller', [
    ...['--to', `100@${kamailio.domain}`, '--proxy', `${OUTSIDE}:${kamailio.port}`, '--transport', 'udp'],
    ...['--play', 'tone', '--duration', `${seconds}`, ...ports, ...args],
  ]);
}

/** A caller at home calls a user, 200 when not said, who is outside. */
export function callOut(
  { home, kamailio }: NatScene,
  transport: 'udp' | 'tcp',
  args: readonly string[],
  user = '200',
): Caller {
  const ports = ['--sip-port', `${SECOND_SIP_PORT}`, '--rtp-ports', SECOND_RTP_PORTS.join('-')];
  const proxy = `sip:${OUTSIDE}:${kamailio.port};transport=${transport}`;
  return startCall(home.inside, 'caller-at-home', [
    ...['--to', `${user}@${kamailio.domain}`, '--proxy', proxy, '--transport', transport],
    ...['--play', 'tone', ...ports, ...args],
  ]);
}

/** Another echo, outside, as user 200. */
export async function echoOutside({ internet, kamailio }: NatScene): Promise<Ringback> {
  const { outside } = internet;
  const args = [...accountOf(kamailio, '200', 'udp'), '--sip-port', '0'];
  const ports = ['--rtp-ports', outside.rtpPorts.join('-')];
  const echo = await startRingback(outside, [...args, ...ports], {
    bare: true,
    name: 'ringback-outside',
    env: { SIP_PASSWORD: kamailio.password },
  });
  await registered(echo);
  return echo;
}

/** Of so many seconds at 50 packets a second nearly all came, in both directions; `lost`: how many may be missing. */
export function heardBothWays(
  what: string,
  seconds: number,
  lost: number,
  counted: { readonly packetsReceived: number; readonly packetsSent: number },
): void {
  const { packetsReceived, packetsSent } = counted;
  const due = seconds * 50 - lost;
  check(
    packetsReceived >= due && packetsSent >= due,
    `${what} heard ${packetsReceived} packets and sent ${packetsSent}, ${due} each are due`,
  );
}
