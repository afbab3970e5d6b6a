/** Finding servers (RFC 3263 §4, RFC 2782): what is asked, and in which order the answers are tried. */
import { expect, test } from 'bun:test';
import { Identifiers } from './identifiers.ts';
import { nextHop } from './next-hop.ts';
import {
  type DnsAnswer,
  foundServers,
  type NaptrRecord,
  nextQuestions,
  queryOf,
  type SrvRecord,
  selectByWeight,
  serverHops,
} from './server-location.ts';

const never = () => {
  throw new Error('nothing is left to chance here');
};

interface Zone {
  readonly naptr?: Readonly<Record<string, readonly NaptrRecord[]>>;
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>;
  readonly address?: Readonly<Record<string, readonly string[]>>;
}

const naptr = (order: number, service: string, replacement: string, flags = 's'): NaptrRecord => {
  return { order, preference: 50, flags, service, replacement };
};
const srv = (target: string, priority = 0, weight = 1, port = 5060): SrvRecord => {
  return { target, priority, weight, port };
};

/** What is asked for a URI, in order, and where it leads, by what a zone answers. */
function locate(uri: string, zone: Zone, fraction: () => number = never) {
  const hop = nextHop(uri, 'udp');
  if (hop === undefined) throw new Error(`${uri} is no SIP URI`);
  const query = queryOf(hop);
  const known: DnsAnswer[] = [];
  const asked: string[] = [];
  for (let ask = nextQuestions(query, known); ask.length > 0; ask = nextQuestions(query, known)) {
    asked.push(...ask.map(({ type, name }) => `${type} ${name}`));
    known.push(
      ...ask.map(({ type, name }) => ({ type, name, records: zone[type]?.[name] ?? [] }) as DnsAnswer),
    );
  }
  const found = foundServers(query, known, 'ENOTFOUND');
  const hops = serverHops(hop, found, fraction).map((one) => `${one.transport} ${one.address} ${one.port}`);
  return { asked, hops, error: found.error };
}

/** The records of RFC 3263 §4.1 and §4.2. */
const EXAMPLE: Zone = {
  naptr: {
    'example.com': [
      naptr(50, 'SIPS+D2T', '_sips._tcp.example.com'),
      naptr(100, 'SIP+D2U', '_sip._udp.example.com'),
      naptr(90, 'SIP+D2T', '_sip._tcp.example.com'),
    ],
  },
  srv: {
    '_sip._tcp.example.com': [srv('server2.example.com', 1), srv('server1.example.com', 0)],
    '_sip._udp.example.com': [srv('server1.example.com', 0, 1, 5070)],
    '_sips._tcp.example.com': [srv('server1.example.com', 0, 1, 5061)],
  },
  address: {
    'server1.example.com': ['192.0.2.1', '2001:db8::1'],
    'server2.example.com': ['192.0.2.2'],
    'example.com': ['192.0.2.80'],
  },
};

test('NAPTR says the transports by order, SRV the servers by priority; a sips: URI takes TLS alone (§4.1)', () => {
  const { asked, hops } = locate('sip:user@example.com', EXAMPLE);
  expect(asked).toEqual([
    'naptr example.com',
    'srv _sips._tcp.example.com',
    'srv _sip._tcp.example.com',
    'srv _sip._udp.example.com',
    'address server1.example.com',
    'address server2.example.com',
  ]);
  expect(hops).toEqual([
    'tls 192.0.2.1 5061',
    'tls 2001:db8::1 5061',
    'tcp 192.0.2.1 5060',
    'tcp 2001:db8::1 5060',
    'tcp 192.0.2.2 5060',
    'udp 192.0.2.1 5070',
    'udp 2001:db8::1 5070',
  ]);
  const secure = locate('sips:user@example.com', EXAMPLE);
  expect(secure.asked.slice(0, 2)).toEqual(['naptr example.com', 'srv _sips._tcp.example.com']);
  expect(secure.hops).toEqual(['tls 192.0.2.1 5061', 'tls 2001:db8::1 5061']);
  expect(locate('sip:example.com;transport=tls', EXAMPLE).asked[0]).toBe('srv _sips._tcp.example.com');
});

test('what a certificate has to show is the host of the URI, whatever DNS names (RFC 5922 §7)', () => {
  const hop = nextHop('sips:user@example.com', 'udp');
  if (hop === undefined) throw new Error('it is a SIP URI');
  const answers = [
    { type: 'srv', name: '_sips._tcp.example.com', records: [srv('server1.example.com', 0, 1, 5061)] },
    { type: 'address', name: 'server1.example.com', records: ['192.0.2.1'] },
  ] as const;
  const found = { ...queryOf(hop), addresses: [], answers };
  expect(serverHops(hop, found, () => 0)).toEqual([
    { transport: 'tls', address: '192.0.2.1', port: 5061, domain: 'example.com' },
  ]);
});

test('a transport in the URI needs no NAPTR, a port no SRV, an address nothing but itself (§4.1, §4.2)', () => {
  const named = locate('sip:example.com;transport=udp', EXAMPLE);
  expect(named.asked).toEqual(['srv _sip._udp.example.com', 'address server1.example.com']);
  expect(named.hops[0]).toBe('udp 192.0.2.1 5070');
  const withPort = locate('sip:example.com:5080', EXAMPLE);
  expect(withPort.asked).toEqual(['address example.com']);
  expect(withPort.hops).toEqual(['udp 192.0.2.80 5080']);
  expect(nextHop('sip:user@192.0.2.9', 'udp')?.open).toBeUndefined();
  expect(locate('sip:elsewhere.test;maddr=example.com', EXAMPLE).asked[0]).toBe('naptr example.com');
});

test('without NAPTR, SRV of each transport that we speak, ours first (§4.1)', () => {
  const { asked, hops } = locate('sip:example.com', { ...EXAMPLE, naptr: {} });
  expect(asked.slice(0, 3)).toEqual([
    'naptr example.com',
    'srv _sip._udp.example.com',
    'srv _sip._tcp.example.com',
  ]);
  expect(hops[0]).toBe('udp 192.0.2.1 5070');
  expect(hops).toContain('tcp 192.0.2.2 5060');
});

test('NAPTR records that are no use (another transport, ENUM, no replacement) are as none', () => {
  const useless = [
    naptr(1, 'SIP+D2S', '_sip._sctp.example.com'),
    naptr(2, 'E2U+sip', '', 'u'),
    naptr(3, 'SIP+D2U', ''),
  ];
  const { asked } = locate('sip:example.com', { ...EXAMPLE, naptr: { 'example.com': useless } });
  expect(asked).toContain('srv _sip._udp.example.com');
});

test('without SRV, the host itself at the port of SIP (§4.2)', () => {
  const { asked, hops } = locate('sip:example.com', { address: EXAMPLE.address ?? {} });
  expect(asked.at(-1)).toBe('address example.com');
  expect(hops).toEqual(['udp 192.0.2.80 5060']);
});

test('with SRV, the host itself is not asked for, and servers without an address are said', () => {
  const { asked, hops, error } = locate('sip:example.com', { ...EXAMPLE, address: {} });
  expect(asked).not.toContain('address example.com');
  expect(hops).toEqual([]);
  expect(error).toContain('none of the servers that they name has an address');
  const nothing = locate('sip:example.com', {});
  expect(nothing.error).toBe('example.com has no address in DNS (ENOTFOUND)');
  const query = { host: 'example.com', transport: 'udp', open: 'transport' } as const;
  const refused = [{ priority: 0, weight: 0, port: 0, target: '.' }];
  const known = [{ type: 'srv', name: '_sip._udp.example.com', records: refused } as const];
  expect(foundServers(query, known, undefined).error).toContain('offers no SIP here');
});

test('a target "." offers nothing (RFC 2782), a dot at the end and an address as a target are read', () => {
  const zone = { srv: { '_sip._udp.a.test': [srv('.', 0), srv('b.test.', 1), srv('192.0.2.3', 2)] } };
  const { asked, hops } = locate('sip:a.test;transport=udp', {
    ...zone,
    address: { 'b.test': ['192.0.2.2'] },
  });
  expect(asked.at(-1)).toBe('address b.test');
  expect(hops).toEqual(['udp 192.0.2.2 5060', 'udp 192.0.2.3 5060']);
});

test('what DNS says has bounds: 8 targets, 16 servers, none twice, nothing but addresses', () => {
  const many = Array.from({ length: 40 }, (_, at) => srv(`s${at}.test`, at));
  const addresses = Object.fromEntries(
    many.map(({ target }, at) => [
      target,
      [`192.0.2.${at}`, `192.0.2.${100 + at}`, '192.0.2.250', 'name.test'],
    ]),
  );
  const { asked, hops } = locate('sip:a.test;transport=udp', {
    srv: { '_sip._udp.a.test': many },
    address: addresses,
  });
  expect(asked.filter((one) => one.startsWith('address'))).toHaveLength(8);
  expect(hops).toHaveLength(16);
  expect(new Set(hops).size).toBe(16);
  expect(hops.join()).not.toContain('name.test');
});

test('weights are the shares of who is asked first, within one priority (RFC 2782)', () => {
  const identifiers = new Identifiers([1, 2, 3, 4]);
  const records = [srv('none', 1, 0), srv('one', 1, 10), srv('three', 1, 30), srv('later', 2, 1_000)];
  const first = new Map<string, number>();
  for (let run = 0; run < 4_000; run++) {
    const order = selectByWeight(records, () => identifiers.fraction()).map(({ target }) => target);
    expect(order).toHaveLength(4);
    expect(order[3]).toBe('later');
    first.set(order[0] ?? '', (first.get(order[0] ?? '') ?? 0) + 1);
  }
  const share = (target: string) => (first.get(target) ?? 0) / 4_000;
  // 1 of 41, 10 of 41, 30 of 41.
  expect(share('none')).toBeCloseTo(1 / 41, 1);
  expect(share('none')).toBeGreaterThan(0);
  expect(share('one')).toBeCloseTo(10 / 41, 1);
  expect(share('three')).toBeCloseTo(30 / 41, 1);
});

test('weight 0 throughout is the order in which they stand; one record draws no number', () => {
  const records = [srv('a', 1, 0), srv('b', 1, 0)];
  expect(selectByWeight(records, () => 0.99).map(({ target }) => target)).toEqual(['a', 'b']);
  expect(selectByWeight([srv('a')], never)).toHaveLength(1);
});
