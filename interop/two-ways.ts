/**
 * A machine with several ways out, in network namespaces of the scenario's own: `inside`, where ringback runs, with the
 * cables `lan` and `tunnel` to `outside`, where Kamailio is at an address behind both. Real interfaces and the kernel's
 * own routing, because a table that we read would agree with us.
 *
 *     inside ── lan    (198.18.0.2, fd12:1::2) ──┐
 *            ── tunnel (10.8.0.2,   fd12:8::2) ──┴─ outside (203.0.113.9, fd12:9::9)
 */
import { type Lab, output } from './lab.ts';
import { addSpace, labIn } from './space.ts';

/** Where Kamailio and the callers are. */
export const FAR = '203.0.113.9';
export const FAR_IPV6 = 'fd12:9::9';
export const LAN = '198.18.0.2';
export const LAN_IPV6 = 'fd12:1::2';
export const TUNNEL = '10.8.0.2';

export interface TwoWays {
  readonly inside: Lab;
  readonly outside: Lab;
  /** `ip …` inside. */
  ip(words: string): Promise<void>;
}

let networks = 0;

/** Opens it with both cables up and addressed, and no route but to the two networks. */
export async function openTwoWays(lab: Lab): Promise<TwoWays> {
  const name = `ways${++networks}`;
  const [inside, outside] = [`${name}i`, `${name}o`];
  for (const space of [inside, outside]) await addSpace(lab, space);
  const cables = [
    ['lan', '198.18.0', 'fd12:1:'],
    ['tunnel', '10.8.0', 'fd12:8:'],
  ] as const;
  for (const [link, ipv4, ipv6] of cables) {
    await run(`ip link add ${link} netns ${inside} type veth peer name ${link} netns ${outside}`);
    for (const [space, host] of [
      [inside, 2],
      [outside, 1],
    ] as const) {
      await run(`ip -n ${space} address add ${ipv4}.${host}/24 dev ${link}`);
      await run(`ip -n ${space} address add ${ipv6}:${host}/64 dev ${link} nodad`);
      await run(`ip -n ${space} link set ${link} up`);
    }
  }
  await run(`ip -n ${outside} address add ${FAR}/32 dev lo`);
  await run(`ip -n ${outside} address add ${FAR_IPV6}/128 dev lo nodad`);
  return {
    inside: labIn(lab, inside),
    outside: labIn(lab, outside),
    ip: (words) => run(`ip -n ${inside} ${words}`),
  };
}

async function run(words: string): Promise<void> {
  await output(words.split(' '));
}
