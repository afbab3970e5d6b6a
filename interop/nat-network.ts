/**
 * A small internet in network namespaces of the scenario's own: `outside` with the servers, and homes behind one router
 * each, or behind a router and a carrier's NAT (100.64.0.0/10, RFC 6598). Real routing and the kernel's own NAT, because
 * a NAT that we wrote would agree with us. Before a scenario trusts a NAT, it is asked how it behaves (nat-probe.ts).
 *
 *     inside (10.9.n.2) ── router ── [100.64.n.0/24 ── carrier] ── outside (198.51.100.1, and 203.0.113.9)
 */
import { Failed, type Lab, output } from './lab.ts';
import { type NatKind, natRules, otherMappings, type Router } from './nat-rules.ts';
import { addSpace, labIn } from './space.ts';

export type { NatKind } from './nat-rules.ts';

/** Where the servers are: what a home's first packet goes to. */
export const OUTSIDE = '198.51.100.1';
/** Another public address of the same machine. */
export const OUTSIDE_TOO = '203.0.113.9';
/** Of the first home. */
export const INSIDE = '10.9.0.2';
export const ROUTER = '198.51.100.2';
/** The ports that a cone maps: SIP of two programs, audio, and those of the probe. */
export const SIP_PORT = 5060;
export const SECOND_SIP_PORT = 5062;
export const RTP_PORTS: readonly [number, number] = [10_000, 10_127];
export const SECOND_RTP_PORTS: readonly [number, number] = [10_200, 10_327];
export const PROBE_PORT = 10_400;
/** What a cone adds to a port: 5060 is seen as 6060. */
export const CONE_OFFSET = 1_000;
/** And after it has rebound once, twice, … */
const REBOUND_OFFSET = 500;

/** The lab with everything started in it in that namespace. */
export interface Internet {
  readonly outside: Lab;
  /** Another home, whose NATs are named from the inside out. */
  home(kinds: readonly NatKind[], forgetsS?: number): Promise<Home>;
}

export interface Home {
  readonly inside: Lab;
  readonly address: string;
  /** The public address of its outermost NAT. */
  readonly publicAddress: string;
  /** The outermost NAT forgets all mappings, and has others from now on. */
  rebind(): Promise<void>;
  /** The outermost NAT drops that many packets of the audio that leaves, and no more. */
  loseAudio(packets: number): Promise<void>;
  /** More rules for its outermost NAT, as nft takes them. */
  addRules(rules: string): Promise<void>;
  /** What its routers do, read from the kernel: for a reason. */
  rules(): Promise<string>;
}

let networks = 0;

const ip = (...words: string[]) => output(['ip', ...words]);
const within = (space: string, ...words: string[]) => ip('netns', 'exec', space, ...words);

/** Opens it, with nobody at home yet. */
export async function openInternet(lab: Lab): Promise<Internet> {
  const name = `net${++networks}`;
  const outside = await addSpace(lab, `${name}o`);
  await within(outside, 'ip', 'address', 'add', `${OUTSIDE_TOO}/32`, 'dev', 'lo');
  await within(outside, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
  let homes = 0;
  return {
    outside: labIn(lab, outside),
    home: (kinds, forgetsS = 60) => addHome(lab, name, outside, homes++, kinds, forgetsS),
  };
}

async function addHome(
  lab: Lab,
  name: string,
  outside: string,
  home: number,
  kinds: readonly NatKind[],
  forgetsS: number,
): Promise<Home> {
  const spaces = [`${name}h${home}`, ...kinds.map((_, index) => `${name}r${home}${index}`)];
  for (const space of spaces) await addSpace(lab, space);
  const publicAddress = `198.51.100.${16 * home + 2}`;
  const address = `10.9.${home}.2`;
  const ports = [SIP_PORT, SECOND_SIP_PORT];
  for (let port = RTP_PORTS[0]; port <= PROBE_PORT + 2; port++) ports.push(port);
  const routers: { space: string; router: Router }[] = [];
  let inner = address;
  let behind = ports;
  for (const [index, kind] of kinds.entries()) {
    const last = index === kinds.length - 1;
    const outer = last ? publicAddress : `100.64.${home}.2`;
    const space = spaces[index + 1] as string;
    const [net, near] = index === 0 ? [`10.9.${home}`, '2'] : [`100.64.${home}`, '2'];
    await cable(spaces[index] as string, 'world', `${net}.${near}/24`, space, 'home', `${net}.1/24`);
    await within(spaces[index] as string, 'ip', 'route', 'add', 'default', 'via', `${net}.1`);
    const router = { kind, inner, outer, ports: behind, forgetsS };
    routers.push({ space, router });
    await within(space, 'nft', natRules(router, CONE_OFFSET));
    await within(space, 'sh', '-ec', settings(forgetsS));
    // The next NAT maps what this one shows.
    behind = behind.map((port) => port + CONE_OFFSET);
    inner = outer;
  }
  const edge = `198.51.100.${16 * home + 1}`;
  const outermost = routers.at(-1);
  if (outermost === undefined) throw new Failed('a home without a NAT');
  await cable(outermost.space, 'world', `${publicAddress}/28`, outside, `world${home}`, `${edge}/28`);
  await within(outermost.space, 'ip', 'route', 'add', 'default', 'via', edge);
  let rebound = 0;
  return {
    inside: labIn(lab, spaces[0] as string),
    address,
    publicAddress,
    async rebind() {
      const { space, router } = outermost;
      await within(space, 'nft', otherMappings(router, CONE_OFFSET + ++rebound * REBOUND_OFFSET));
      await within(space, 'conntrack', '-F');
    },
    async loseAudio(packets) {
      const audio = `oifname "world" udp sport ${RTP_PORTS[0]}-${PROBE_PORT}`;
      const rule = `add rule ip nat between ${audio} limit rate 1/hour burst ${packets} packets drop`;
      await within(outermost.space, 'nft', rule);
    },
    addRules: async (rules) => void (await within(outermost.space, 'nft', rules)),
    rules: async () =>
      (await Promise.all(routers.map(({ space }) => within(space, 'nft', 'list', 'ruleset')))).join('\n'),
  };
}

/** A cable between two namespaces; each end has a name and an address there. */
async function cable(
  near: string,
  nearLink: string,
  nearAddress: string,
  far: string,
  farLink: string,
  farAddress: string,
): Promise<void> {
  await ip('link', 'add', nearLink, 'netns', near, 'type', 'veth', 'peer', 'name', farLink, 'netns', far);
  for (const [space, link, address] of [
    [near, nearLink, nearAddress],
    [far, farLink, farAddress],
  ] as const) {
    await within(space, 'ip', 'address', 'add', address, 'dev', link);
    await within(space, 'ip', 'link', 'set', link, 'up');
  }
}

function settings(forgetsS: number): string {
  const conntrack = '/proc/sys/net/netfilter/nf_conntrack_udp_timeout';
  return [
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
    `echo ${forgetsS} > ${conntrack}`,
    `echo ${forgetsS} > ${conntrack}_stream`,
  ].join('\n');
}
