/**
 * What DNS says of the server, and what would be tried in which order because of it (RFC 3263 §4).
 */
import { formatAddress, type NextHop, type ServerHop } from '../sip/flow.ts';
import type { FoundServers } from '../sip/server-location.ts';
import { type Finding, listed } from './check.ts';

/** One question, whom it was put to and what came back. */
export interface AskedQuestion {
  /** `name`: looked up by the system, in whatever it has. */
  readonly type: 'NAPTR' | 'SRV' | 'A' | 'AAAA' | 'name';
  readonly name: string;
  /** Their data as a zone file has it: `10 0 5060 a.example.org`. */
  readonly records: readonly string[];
  /** The name server, or `this system`. */
  readonly server: string;
  readonly tookMs: number;
  /** `ENOTFOUND` and `ENODATA` are answers, `ETIMEOUT` is none. */
  readonly code?: string | undefined;
}

/** All that was asked for one next hop; nothing when its host is an address. */
export interface DnsFacts {
  readonly hop: NextHop;
  readonly asked: readonly AskedQuestion[];
  readonly found?: FoundServers | undefined;
  /** What would be tried, in order. */
  readonly order: readonly ServerHop[];
  readonly tookMs: number;
  /** The limit that was reached before DNS had said all. */
  readonly gaveUpMs?: number | undefined;
}

/** A person begins to wait. */
const SLOW_MS = 1_000;

const shown = (hop: ServerHop) => `${hop.transport} ${formatAddress(hop)}`;

/** Whether the server is found, and how. */
export function judgeDns(facts: DnsFacts): Finding {
  const check = 'dns';
  const { hop, asked, order, tookMs } = facts;
  if (asked.length === 0 && facts.gaveUpMs === undefined) {
    return { check, verdict: 'ok', evidence: `${hop.host} is an address: nothing to ask` };
  }
  const details = asked.map(inWords);
  const silent = silentServers(asked);
  if (order.length === 0) return notFound(facts, details);
  const names = [...new Set(asked.map(({ server }) => server))].filter((name) => !silent.includes(name));
  const first = order.length === 1 ? 'leads to' : 'is tried at';
  const why = reasonOf(facts);
  const evidence = `${hop.host} ${first} ${order.slice(0, 4).map(shown).join(', then ')}${
    order.length > 4 ? `, then ${order.length - 4} more` : ''
  } (${why}); ${Math.round(tookMs)} ms, asked ${listed(names, 3)}`;
  const whole = { check, evidence, details } as const;
  const lost = targetsWithoutAddress(facts);
  if (lost.length > 0) {
    return {
      ...whole,
      verdict: 'warning',
      evidence: `${evidence}; ${listed(lost, 3)} has no address`,
      cause: 'an SRV record names a host that does not exist',
      next: `tell whoever runs the zone of ${hop.host}`,
    };
  }
  if (silent.length > 0 || tookMs > SLOW_MS) {
    const dead = silent.length === 0 ? '' : `; ${listed(silent, 3)} did not answer`;
    return {
      ...whole,
      verdict: 'warning',
      evidence: `${evidence}${dead}`,
      cause:
        dead === ''
          ? 'a name server is far away or busy'
          : 'a name server is down; each question waits for it',
      next: 'look at the name servers in /etc/resolv.conf, or give another with --dns',
    };
  }
  return { ...whole, verdict: 'ok' };
}

function notFound(facts: DnsFacts, details: readonly string[]): Finding {
  const { hop, asked, found, gaveUpMs } = facts;
  const names = [...new Set(asked.map(({ server }) => server))];
  const dead = silentServers(asked);
  // The system fails where the name servers do: it is named where nobody else was asked.
  const whom = (all: readonly string[]) =>
    listed(all.length > 1 ? all.filter((one) => one !== SYSTEM) : all, 3);
  const silent = gaveUpMs !== undefined || (names.length > 0 && dead.length === names.length);
  const servers = whom(silent ? dead : names);
  const base = { check: 'dns', verdict: 'failed', details } as const;
  if (silent && asked.some(({ code }) => code === 'EREFUSED')) {
    return {
      ...base,
      evidence: `${servers} refuses to answer for ${hop.host}`,
      cause: 'that name server answers its own network, or for its own names, alone',
      next: 'ask another one with --dns ADDRESS',
    };
  }
  const put = asked.filter(({ server }) => server !== SYSTEM);
  if (silent && put.length > 0 && put.every(({ code }) => NO_WAY.has(code))) {
    return {
      ...base,
      evidence: `no way leads to ${servers}, the name server that was to be asked for ${hop.host}`,
      cause: 'this machine has no network, or no route to its name server',
      next: 'bring the network up (see addresses and default-route), then ask again',
    };
  }
  if (silent) {
    const waited = gaveUpMs === undefined ? '' : ` in ${Math.round(gaveUpMs / 100) / 10} s`;
    return {
      ...base,
      evidence: `${servers || 'the name server'} did not answer for ${hop.host}${waited}`,
      cause: 'the name server is down, or a firewall drops questions to it',
      next: 'ask another one with --dns ADDRESS',
    };
  }
  const evidence = `${found?.error ?? `${hop.host} has no address in DNS`}; asked ${servers}`;
  if (offersNothing(asked)) {
    return {
      ...base,
      evidence,
      cause: 'whoever runs the zone has written that there is no SIP under this name (RFC 2782)',
      next: 'compare the name with what the provider wrote, or give one of its hosts with a port',
    };
  }
  if (targetsWithoutAddress(facts).length > 0) {
    return {
      ...base,
      evidence,
      cause: 'its SRV records are out of date',
      next: `tell whoever runs the zone of ${hop.host}, or give --server one of its hosts with a port`,
    };
  }
  return {
    ...base,
    evidence,
    cause: 'the name is misspelt, or known in another network alone (VPN, office DNS)',
    next: 'compare it with what the provider wrote',
  };
}

/** Why this order and no other, in a few words. */
function reasonOf({ hop, asked }: DnsFacts): string {
  const has = (type: AskedQuestion['type']) =>
    asked.some((one) => one.type === type && one.records.length > 0);
  if (hop.open === undefined) return 'the port is given, so its addresses alone count';
  if (!has('SRV')) return 'no SRV record, so its own addresses';
  return has('NAPTR') ? 'by NAPTR, then SRV' : 'by SRV, no NAPTR';
}

/** Hosts that SRV names and that have no address. */
function targetsWithoutAddress({ asked, hop }: DnsFacts): readonly string[] {
  const about = asked.filter(({ type }) => type === 'A' || type === 'AAAA' || type === 'name');
  const names = [...new Set(about.map(({ name }) => name))].filter((name) => name !== hop.host);
  return names.filter((name) => about.every((one) => one.name !== name || one.records.length === 0));
}

/** Every SRV record that there is names `.`: the service is not offered (RFC 2782). */
function offersNothing(asked: readonly AskedQuestion[]): boolean {
  const records = asked.flatMap((one) => (one.type === 'SRV' ? one.records : []));
  return records.length > 0 && records.every((record) => / \.?$/.test(record));
}

/** Who is asked where no DNS server is. */
const SYSTEM = 'this system';
const ANSWERS: ReadonlySet<string | undefined> = new Set([undefined, 'ENODATA', 'ENOTFOUND']);

/** Said by this machine or its router: the question was never there. */
const NO_WAY: ReadonlySet<string | undefined> = new Set([
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'EINVAL',
]);

/** Name servers that gave no answer to anything. */
function silentServers(asked: readonly AskedQuestion[]): readonly string[] {
  const servers = [...new Set(asked.map(({ server }) => server))];
  return servers.filter((server) => asked.every((one) => one.server !== server || !ANSWERS.has(one.code)));
}

/** `SRV _sip._udp.example.org: 10 0 5060 a.example.org (192.0.2.53, 12 ms)`. */
function inWords({ type, name, records, server, tookMs, code }: AskedQuestion): string {
  const none = code === undefined || ANSWERS.has(code) ? 'none' : `no answer (${code})`;
  const said = type === 'SRV' || type === 'NAPTR' ? inOrder(type, records) : records;
  return `${type} ${name}: ${said.length === 0 ? none : listed(said, 8)} (${server}, ${Math.round(tookMs)} ms)`;
}

/** The lowest priority or order first; within it the most weight, or the lowest preference. */
function inOrder(type: 'SRV' | 'NAPTR', records: readonly string[]): readonly string[] {
  const numbers = (text: string) => text.split(' ').map(Number);
  return records.toSorted((one, other) => {
    const [[first = 0, second = 0], [third = 0, fourth = 0]] = [numbers(one), numbers(other)] as const;
    return first - third || (type === 'SRV' ? fourth - second : second - fourth);
  });
}
