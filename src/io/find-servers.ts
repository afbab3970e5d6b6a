/**
 * Asks DNS what server-location.ts wants to know (RFC 3263 §4), and hands back all answers as one.
 *
 * Why some names never get to DNS: those of the hosts file, of the local network (`pbx`, `pbx.local`) and of containers
 * are known to the system alone, and nobody writes SRV records for them. A name that DNS does not know is looked up by
 * the system too, in whatever else it has. What the system says has no time to live, so it is asked each time.
 */
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import {
  type DnsAnswer,
  type DnsQuestion,
  type FoundServers,
  foundServers,
  nextQuestions,
  type ServerQuery,
} from '../sip/server-location.ts';
import type { Found, RecordType } from './dns-answer.ts';
import { DnsCache } from './dns-cache.ts';
import { dnsClient, failure, failureCode, type Tried } from './dns-client.ts';

/** Questions for one next hop; server-location.ts asks for fewer. */
const MAX_QUESTIONS = 32;
/** How long the system may look a name up, in ms; with DNS away it takes its own time, many times that. */
const SYSTEM_MS = 3_000;
/** Failures that a server has answered with: it may know more of the next question. */
const SPOKEN = new Set(['EREFUSED', 'ESERVFAIL', 'EFORMERR', 'ENOTIMP', 'EBADRESP']);

/** A name that the system looked up, in whatever it has. */
export interface SystemTried {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly code: string | undefined;
  readonly tookMs: number;
}

/** Finds the servers of a next hop. Never rejects. */
export type ServerFinder = (query: ServerQuery) => Promise<FoundServers>;

/** Hears of each question that is put to somebody. */
export type OnTried = (tried: Tried | SystemTried) => void;

/** One that keeps answers. `server`: the DNS server to ask, `address:port`, for everything; else the machine's own. */
export function serverFinder(server?: string, onTried?: OnTried): ServerFinder {
  const cache = new DnsCache(dnsClient(server, onTried), () => performance.now());
  return async (query) => {
    const { open: _open, ...bare } = query;
    const own = server === undefined;
    const skip = query.open !== undefined && (await isLocalName(query.host, own));
    const asker = new Asker(cache, own, onTried);
    const known: DnsAnswer[] = [];
    while (known.length < MAX_QUESTIONS) {
      const questions = nextQuestions(skip ? bare : query, known);
      if (questions.length === 0) break;
      known.push(...(await Promise.all(questions.map((question) => asker.answer(question)))));
    }
    return foundServers(query, known, asker.code);
  };
}

/** The servers of a host, asked for once. */
export function findServers(query: ServerQuery, server?: string, onTried?: OnTried): Promise<FoundServers> {
  return serverFinder(server, onTried)(query);
}

/**
 * A name that the system alone knows: without a dot, of the local network (RFC 6762 §3), in the hosts file. Who names a
 * DNS server (`own` is false) may have `.local` in it: many a lab has, and Kubernetes.
 */
async function isLocalName(host: string, own: boolean): Promise<boolean> {
  const name = host.replace(/\.$/, '').toLowerCase();
  if (!name.includes('.') || (own && name.endsWith('.local'))) return true;
  const hosts = await readFile('/etc/hosts', 'utf8').catch(() => '');
  return hosts.split('\n').some((line) => {
    const [, ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
    return names.includes(name);
  });
}

/** Asks for one next hop. */
class Asker {
  /** Why the last question had no answer. */
  code: string | undefined;
  /** Nobody answers: nothing more is asked, or each question would wait as long once more. */
  private silent = false;

  constructor(
    private readonly cache: DnsCache,
    /** Whether the system may know what DNS does not. */
    private readonly own: boolean,
    private readonly onTried: OnTried | undefined,
  ) {}

  async answer({ type, name }: DnsQuestion): Promise<DnsAnswer> {
    if (type === 'naptr') {
      const found = await this.ask('NAPTR', name);
      const records = found.flatMap((one) => {
        if (one.type !== 'NAPTR') return [];
        const { services: service, order, preference, flags, replacement } = one.data;
        return [{ order, preference, flags: String(flags), service: String(service), replacement }];
      });
      return { type, name, records };
    }
    if (type === 'srv') {
      const found = await this.ask('SRV', name);
      const records = found.flatMap((one) => {
        if (one.type !== 'SRV') return [];
        const { target, port, priority = 0, weight = 0 } = one.data;
        return [{ target, port, priority, weight }];
      });
      return { type, name, records };
    }
    return { type, name, records: await this.addresses(name) };
  }

  /** A and AAAA, IPv4 first. */
  private async addresses(name: string): Promise<readonly string[]> {
    if (await isLocalName(name, this.own)) return this.bySystem(name);
    const found = await Promise.all([this.ask('A', name), this.ask('AAAA', name)]);
    const records = found
      .flat()
      .flatMap((one) => (one.type === 'A' || one.type === 'AAAA' ? [one.data] : []));
    return records.length > 0 || !this.own ? records : this.bySystem(name);
  }

  private async bySystem(name: string): Promise<readonly string[]> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(failure('ETIMEOUT')), SYSTEM_MS);
    const startedMs = performance.now();
    const told = (addresses: readonly string[], code?: string): readonly string[] => {
      this.onTried?.({ name, addresses, code, tookMs: performance.now() - startedMs });
      return addresses;
    };
    try {
      const found = await Promise.race([lookup(name, { all: true, order: 'ipv4first' }), late]);
      return told(found.map(({ address }) => address));
    } catch (error) {
      const code = failureCode(error);
      this.code ??= code;
      return told([], code);
    } finally {
      clearTimeout(timer);
    }
  }

  private async ask(type: RecordType, name: string): Promise<Found['records']> {
    const outcome = await this.cache.find({ type, name }, !this.silent);
    if ('failed' in outcome) {
      // What is not asked any more fails for the reason of the one that was.
      if (!this.silent) this.code = outcome.failed;
      this.silent ||= !SPOKEN.has(outcome.failed);
    } else if (outcome.code !== undefined) this.code = outcome.code;
    return 'failed' in outcome ? [] : outcome.records;
  }
}
