/**
 * A home network behind a NAT, in network namespaces of the scenario's own: `inside` (10.9.0.2), the router, and
 * `outside` (198.51.100.1). Real routing and the kernel's own NAT, because a NAT that we wrote would agree with us.
 */
import { Failed, type Lab, output } from './lab.ts';

/** What the router does with UDP: a mapping that everybody may use, or another one for each peer (RFC 4787 §4.1). */
export type NatKind = 'full cone' | 'symmetric';

export interface NatNetwork {
  /** The lab with everything started in it on that side. */
  readonly inside: Lab;
  readonly outside: Lab;
}

export const INSIDE = '10.9.0.2';
export const ROUTER = '198.51.100.2';
export const OUTSIDE = '198.51.100.1';
/** The SIP port inside, and the port that a full cone shows of it. */
export const SIP_PORT = 5060;
export const CONE_PORT = 6060;

let networks = 0;

/** `forgetsS`: after how many seconds without a packet the router forgets a UDP mapping. */
export async function openNat(lab: Lab, kind: NatKind, forgetsS: number): Promise<NatNetwork> {
  const name = `rb${process.pid}-${++networks}`;
  const [inside, router, outside] = [`${name}i`, `${name}r`, `${name}o`];
  const ip = (...words: string[]) => output(['ip', ...words]);
  const within = (space: string, ...words: string[]) => ip('netns', 'exec', space, ...words);
  for (const space of [inside, router, outside]) {
    await ip('netns', 'add', space).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new Failed(`This scenario makes network namespaces, and may not here (run it as root): ${why}`);
    });
    lab.defer(async () => void (await ip('netns', 'del', space)));
    await within(space, 'ip', 'link', 'set', 'lo', 'up');
  }
  const cable = async (near: string, nearAddress: string, far: string, farAddress: string, link: string) => {
    await ip('link', 'add', link, 'netns', near, 'type', 'veth', 'peer', 'name', link, 'netns', far);
    for (const [space, address] of [
      [near, nearAddress],
      [far, farAddress],
    ] as const) {
      await within(space, 'ip', 'address', 'add', `${address}/24`, 'dev', link);
      await within(space, 'ip', 'link', 'set', link, 'up');
    }
  };
  await cable(inside, INSIDE, router, '10.9.0.1', 'home');
  await cable(router, ROUTER, outside, OUTSIDE, 'world');
  await within(inside, 'ip', 'route', 'add', 'default', 'via', '10.9.0.1');
  const shell = [
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
    `echo ${forgetsS} > /proc/sys/net/netfilter/nf_conntrack_udp_timeout`,
    `echo ${forgetsS} > /proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream`,
  ];
  await within(router, 'nft', rules(kind));
  await within(router, 'sh', '-ec', shell.join('\n'));
  return { inside: labIn(lab, inside), outside: labIn(lab, outside) };
}

/** Nothing from outside comes in but answers, and on a full cone what is for a mapped port. */
function rules(kind: NatKind): string {
  const cone = [
    `add rule ip nat out oifname "world" udp sport ${SIP_PORT} snat to ${ROUTER}:${CONE_PORT}`,
    `add rule ip nat in iifname "world" udp dport ${CONE_PORT} dnat to ${INSIDE}:${SIP_PORT}`,
    `add rule ip nat in iifname "world" udp dport 10000-20000 dnat to ${INSIDE}`,
  ];
  return [
    'add table ip nat',
    'add chain ip nat out { type nat hook postrouting priority 100; }',
    'add chain ip nat in { type nat hook prerouting priority -100; }',
    'add chain ip nat between { type filter hook forward priority 0; policy accept; }',
    ...(kind === 'full cone' ? cone : []),
    `add rule ip nat out oifname "world" masquerade${kind === 'symmetric' ? ' fully-random' : ''}`,
    'add rule ip nat between iifname "world" ct state new ct status dnat accept',
    'add rule ip nat between iifname "world" ct state new drop',
  ].join('; ');
}

function labIn(lab: Lab, space: string): Lab {
  const exec = ['ip', 'netns', 'exec', space];
  return {
    ...lab,
    ringback: [...exec, ...lab.ringback],
    spawn: (name, argv, env) => lab.spawn(name, [...exec, ...argv], env),
  };
}
