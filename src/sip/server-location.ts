/**
 * Finding the servers of a next hop in DNS (RFC 3263 §4, RFC 2782, RFC 3403): what to ask next, given the answers so
 * far, and the ordered list of addresses that come of them.
 *
 * Why asking and choosing stand apart: whoever asks has a network and no dice (io/find-servers.ts), the endpoint has seeded
 * identifiers and no network. So an answer can be written into a trace, and chosen from again in the same way.
 */
import { certified, hopAt, insisting, type NextHop, type ServerHop, type Transport } from './flow.ts';
import { addressFamily } from './ip-address.ts';
import { MAX_SERVER_HOPS, MAX_SRV_TARGETS } from './limits.ts';

/** A NAPTR record as it is used for SIP (RFC 3263 §4.1). */
export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
}

/** An SRV record (RFC 2782). `target` `.` or empty: the service is not offered here. */
export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** One answer of DNS; no records when there are none. Addresses are of both families, IPv4 first. */
export type DnsAnswer =
  | { readonly type: 'naptr'; readonly name: string; readonly records: readonly NaptrRecord[] }
  | { readonly type: 'srv'; readonly name: string; readonly records: readonly SrvRecord[] }
  | { readonly type: 'address'; readonly name: string; readonly records: readonly string[] };

/** A question for one answer. */
export interface DnsQuestion {
  readonly type: DnsAnswer['type'];
  readonly name: string;
}

/** What is asked of DNS for a next hop. */
export type ServerQuery = Pick<NextHop, 'host' | 'transport' | 'open' | 'service'>;

/** What came of it. */
export interface FoundServers extends ServerQuery {
  /** Of the host itself, for its own port; those of SRV targets are in `answers`. */
  readonly addresses: readonly string[];
  /** NAPTR and SRV records, and the addresses of their targets. */
  readonly answers?: readonly DnsAnswer[];
  /** Why there is nothing, for people. */
  readonly error?: string;
}

/** A list of SRV records, and the transport that they are for. */
interface Service {
  readonly name: string;
  readonly transport: Transport;
}

/** The services of a NAPTR record that we speak (RFC 3263 §4.1). */
const SERVICES: Readonly<Record<string, Transport>> = {
  'SIP+D2U': 'udp',
  'SIP+D2T': 'tcp',
  'SIPS+D2T': 'tls',
};

/** The questions of a next hop. */
export function queryOf({ host, transport, open, service }: NextHop): ServerQuery {
  const query = open === undefined ? { host, transport } : { host, transport, open };
  return service === undefined ? query : { ...query, service };
}

/** Whether an answer is for that next hop. */
export function answers(found: ServerQuery, hop: NextHop): boolean {
  const same = found.host === hop.host && found.open === hop.open && found.transport === hop.transport;
  return same && found.service === hop.service;
}

/** What to ask next; nothing when all is known. NAPTR before SRV, SRV before addresses (RFC 3263 §4.1, §4.2). */
export function nextQuestions(query: ServerQuery, known: readonly DnsAnswer[]): readonly DnsQuestion[] {
  const missing = (wanted: readonly DnsQuestion[]) =>
    wanted.filter(({ type, name }) => !known.some((one) => one.type === type && one.name === name));
  const { host, open } = query;
  const address: DnsQuestion = { type: 'address', name: host };
  if (open === undefined) return missing([address]);
  const naptr = open === 'transport' ? missing([{ type: 'naptr', name: host }]) : [];
  if (naptr.length > 0) return naptr;
  const srv = missing(servicesOf(query, known).map(({ name }) => ({ type: 'srv', name })));
  if (srv.length > 0) return srv;
  if (!hasServices(query, known)) return missing([address]);
  return missing(targetsOf(query, known).map((name) => ({ type: 'address', name })));
}

/** Whether any SRV record stands there: then the host's own addresses do not count (RFC 3263 §4.2). */
function hasServices(query: ServerQuery, known: readonly DnsAnswer[]): boolean {
  return servicesOf(query, known).some((service) => recordsOf(service, known).length > 0);
}

/**
 * Where to send, in order: at most `MAX_SERVER_HOPS`, none twice. `fraction` gives numbers in [0, 1) and is called only
 * where weights decide.
 */
export function serverHops(hop: NextHop, found: FoundServers, fraction: () => number): readonly ServerHop[] {
  const { answers: known = [], addresses } = found;
  const own = addresses.map((address) => hopAt(hop, address));
  const served = servicesOf(found, known).flatMap((service) =>
    selectByWeight(recordsOf(service, known), fraction).flatMap(({ target, port }) =>
      addressesOf(target, known).map((address) => ({
        transport: service.transport,
        address,
        port,
        ...certified(hop, service.transport),
        ...insisting(hop),
      })),
    ),
  );
  const hops = (served.length > 0 ? served : own).filter(
    ({ address }) => addressFamily(address) !== undefined,
  );
  return hops
    .filter((one, at) => hops.findIndex((other) => isSameHop(one, other)) === at)
    .slice(0, MAX_SERVER_HOPS);
}

/** The same transport, address and port. */
export function isSameHop(one: ServerHop, other: ServerHop): boolean {
  return one.transport === other.transport && one.address === other.address && one.port === other.port;
}

/** RFC 2782: lowest priority first; within one, each record with the probability that its weight says. */
export function selectByWeight(records: readonly SrvRecord[], fraction: () => number): readonly SrvRecord[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((priority) => {
    // Those of weight 0 stand first: they have a small chance, and only where the number drawn is 0.
    const left = records.filter((one) => one.priority === priority).sort((a, b) => sign(a) - sign(b));
    const chosen: SrvRecord[] = [];
    while (left.length > 0) chosen.push(...left.splice(left.length === 1 ? 0 : draw(left, fraction()), 1));
    return chosen;
  });
}

function sign({ weight }: SrvRecord): number {
  return Math.sign(weight);
}

/** The first record whose running sum is at least a number from 0 to the sum of all, both included. */
function draw(records: readonly SrvRecord[], fraction: number): number {
  const sum = records.reduce((total, { weight }) => total + weight, 0);
  const drawn = Math.floor(fraction * (sum + 1));
  let running = 0;
  return records.findIndex(({ weight }) => {
    running += weight;
    return running >= drawn;
  });
}

/** The SRV names to look at, the most wanted first. */
function servicesOf(
  { host, transport, open, service }: ServerQuery,
  known: readonly DnsAnswer[],
): readonly Service[] {
  if (open === undefined) return [];
  const named = (one: Transport): Service => ({
    name: one === 'tls' ? `_sips._tcp.${host}` : `_${service ?? 'sip'}._${one}.${host}`,
    transport: one,
  });
  if (open === 'port') return [named(transport)];
  const naptr = known.flatMap((one) => (one.type === 'naptr' && one.name === host ? one.records : []));
  const usable = naptr
    .toSorted((a, b) => a.order - b.order || a.preference - b.preference)
    .flatMap(({ flags, service, replacement }): Service[] => {
      const spoken = SERVICES[service.toUpperCase()];
      if (spoken === undefined || flags.toLowerCase() !== 's' || replacement === '') return [];
      // A `sips:` URI takes services over TLS alone (RFC 3263 §4.1).
      if (transport === 'tls' && spoken !== 'tls') return [];
      return [{ name: replacement.replace(/\.$/, ''), transport: spoken }];
    });
  if (usable.length > 0) return usable.slice(0, 2 * Object.keys(SERVICES).length);
  if (transport === 'tls') return [named('tls')];
  // RFC 3263 §4.1: without NAPTR, SRV for each transport that we speak; ours first.
  return [named(transport), named(transport === 'udp' ? 'tcp' : 'udp')];
}

function recordsOf({ name }: Service, known: readonly DnsAnswer[]): readonly SrvRecord[] {
  return known.flatMap((one) => (one.type === 'srv' && one.name === name ? one.records : []));
}

/** The hosts that SRV records name, a bounded number of them, the most wanted first. */
function targetsOf(query: ServerQuery, known: readonly DnsAnswer[]): readonly string[] {
  const names = servicesOf(query, known).flatMap((service) =>
    recordsOf(service, known)
      .toSorted((a, b) => a.priority - b.priority || b.weight - a.weight)
      .map(({ target }) => target.replace(/\.$/, '')),
  );
  const hosts = names.filter((name) => name !== '' && addressFamily(name) === undefined);
  return [...new Set(hosts)].slice(0, MAX_SRV_TARGETS);
}

function addressesOf(target: string, known: readonly DnsAnswer[]): readonly string[] {
  const name = target.replace(/\.$/, '');
  if (addressFamily(name) !== undefined) return [name];
  return known.flatMap((one) => (one.type === 'address' && one.name === name ? one.records : []));
}

/** "There is none" is an answer; whatever else came is none, and the name may be right. */
function withoutAddress(host: string, code: string): string {
  const answered = code === 'ENOTFOUND' || code === 'ENODATA';
  return `${host} ${answered ? 'has no address' : 'could not be looked up'} in DNS (${code})`;
}

/** All answers as one; `code` says why there are none. */
export function foundServers(
  query: ServerQuery,
  known: readonly DnsAnswer[],
  code: string | undefined,
): FoundServers {
  const { host, transport, open, service } = query;
  const addresses = known.flatMap((one) => (one.type === 'address' && one.name === host ? one.records : []));
  const said = known.filter(
    ({ type, name, records }) => records.length > 0 && (type !== 'address' || name !== host),
  );
  const served = hasServices(query, known);
  const reached = said.some(({ type }) => type === 'address');
  const error = served ? uselessServices(query, known) : withoutAddress(host, code ?? 'ENOTFOUND');
  return {
    host,
    transport,
    ...(open === undefined ? undefined : { open }),
    ...(service === undefined ? undefined : { service }),
    addresses,
    ...(said.length === 0 ? undefined : { answers: said }),
    ...(addresses.length > 0 || reached ? undefined : { error }),
  };
}

/** Why SRV records lead nowhere. A target `.` says that there is no such service (RFC 2782). */
function uselessServices(query: ServerQuery, known: readonly DnsAnswer[]): string {
  const records = servicesOf(query, known).flatMap((service) => recordsOf(service, known));
  if (records.every(({ target }) => target === '' || target === '.')) {
    return `${query.host} says in DNS that it offers no SIP here: its SRV records name no server (".")`;
  }
  return `${query.host} has SRV records in DNS, and none of the servers that they name has an address`;
}
