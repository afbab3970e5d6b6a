/**
 * What a home router or a carrier does with UDP, in nftables, by the words of RFC 4787 §4.1 and §5. Both halves are
 * written out, because the kernel by itself is none of the textbook kinds: `masquerade` keeps the port while it is
 * free (it looks like a cone) and lets in answers alone.
 *
 *  - Cones map a port to one other port towards everybody (endpoint-independent mapping). The pairs stand in two maps,
 *    `outward` and `inward`, and are another port number on purpose: what a peer sees is never what the SDP says.
 *    A full cone lets everybody in at a mapped port; address restricted, whom that port has sent to, from any of his
 *    ports (the set `spoken`); port restricted, only the very address and port that it has sent to, which is what
 *    conntrack does with an answer.
 *  - Symmetric: `masquerade fully-random`, a port drawn for each peer anew, and answers alone come in.
 */

/** How a NAT behaves; the names are those of RFC 3489 §5, which people still use. */
export type NatKind = 'full cone' | 'address restricted' | 'port restricted' | 'symmetric';

/** One router. */
export interface Router {
  readonly kind: NatKind;
  /** The one machine behind it, and its own address in front: of the interfaces `home` and `world`. */
  readonly inner: string;
  readonly outer: string;
  /** The ports of the machine behind it that it maps; a symmetric one draws its own. */
  readonly ports: readonly number[];
  /** After how many seconds without a packet a mapping is forgotten. */
  readonly forgetsS: number;
}

/** The script for `nft` that makes it; `offset` is added to each port in front. */
export function natRules({ kind, inner, outer, ports, forgetsS }: Router, offset: number): string {
  const cone = kind !== 'symmetric';
  return [
    'add table ip nat',
    'add chain ip nat out { type nat hook postrouting priority 100; }',
    'add chain ip nat in { type nat hook prerouting priority -100; }',
    'add chain ip nat between { type filter hook forward priority 0; policy accept; }',
    'add map ip nat outward { type inet_service : ipv4_addr . inet_service; }',
    'add map ip nat inward { type inet_service : ipv4_addr . inet_service; }',
    `add set ip nat spoken { type inet_service . ipv4_addr; flags dynamic,timeout; timeout ${forgetsS}s; size 4096; }`,
    ...(cone ? mappings(inner, outer, ports, offset) : []),
    'add rule ip nat out oifname "world" meta l4proto udp snat ip to udp sport map @outward',
    `add rule ip nat out oifname "world" masquerade${cone ? '' : ' fully-random'}`,
    'add rule ip nat in iifname "world" meta l4proto udp dnat ip to udp dport map @inward',
    'add rule ip nat between oifname "world" meta l4proto udp update @spoken { udp sport . ip daddr }',
    ...(ENTRANCE[kind] ?? []),
    'add rule ip nat between iifname "world" ct state new drop',
  ].join('\n');
}

/** Who comes in that is no answer. */
const ENTRANCE: Partial<Record<NatKind, readonly string[]>> = {
  'full cone': ['add rule ip nat between iifname "world" ct state new ct status dnat accept'],
  'address restricted': [
    'add rule ip nat between iifname "world" ct state new meta l4proto udp udp dport . ip saddr @spoken accept',
  ],
};

/** The router forgets all mappings and makes others: a rebinding. To be followed by a flush of conntrack. */
export function otherMappings({ kind, inner, outer, ports }: Router, offset: number): string {
  if (kind === 'symmetric') return 'flush set ip nat spoken';
  return [
    'flush map ip nat outward',
    'flush map ip nat inward',
    'flush set ip nat spoken',
    ...mappings(inner, outer, ports, offset),
  ].join('\n');
}

function mappings(inner: string, outer: string, ports: readonly number[], offset: number): string[] {
  const pairs = (to: string, shift: [number, number]) =>
    ports.map((port) => `${port + shift[0]} : ${to} . ${port + shift[1]}`).join(', ');
  return [
    `add element ip nat outward { ${pairs(outer, [0, offset])} }`,
    `add element ip nat inward { ${pairs(inner, [offset, 0])} }`,
  ];
}
