/**
 * Asks DNS what server-location.ts wants to know (RFC 3263 §4), and hands back all answers as one.
 *
 * Why addresses come from the system first and services do not: names of the hosts file, of containers and of the local
 * network are known to it alone, and nobody writes SRV records for them. Nothing is kept here: the system's resolver
 * holds answers for their time to live.
 */
import { lookup, Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import {
  type DnsAnswer,
  type DnsQuestion,
  type FoundServers,
  foundServers,
  nextQuestions,
  type ServerQuery,
} from '../sip/server-location.ts';

/** How long the first try of a question may take, in ms, and how often it is sent, each with twice the time. */
const TIMEOUT_MS = 800;
const TRIES = 2;
/** Questions for one next hop; server-location.ts asks for fewer. */
const MAX_QUESTIONS = 32;

/** The servers of a host. `server`: the DNS server to ask, `address:port`, for everything; else the machine's own. */
export async function findServers(query: ServerQuery, server?: string): Promise<FoundServers> {
  const { open: _open, ...bare } = query;
  const skip = query.open !== undefined && (await isLocalName(query.host));
  const asker = new Asker(server);
  const known: DnsAnswer[] = [];
  while (known.length < MAX_QUESTIONS) {
    const questions = nextQuestions(skip ? bare : query, known);
    if (questions.length === 0) break;
    known.push(...(await Promise.all(questions.map((question) => asker.answer(question)))));
  }
  return foundServers(query, known, asker.code);
}

/** A name that no DNS server knows services of: without a dot, or written down in the hosts file. */
async function isLocalName(host: string): Promise<boolean> {
  const name = host.replace(/\.$/, '').toLowerCase();
  if (!name.includes('.')) return true;
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
  private readonly resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  /** It did not answer: it is asked for nothing more. */
  private silent = false;

  constructor(private readonly server: string | undefined) {
    if (server !== undefined) this.resolver.setServers([server]);
  }

  async answer({ type, name }: DnsQuestion): Promise<DnsAnswer> {
    if (type === 'naptr') {
      const records = await this.ask(() => this.resolver.resolveNaptr(name));
      return { type, name, records };
    }
    if (type === 'srv') {
      const found = await this.ask(() => this.resolver.resolveSrv(name));
      const records = found.map(({ name: target, port, priority, weight }) => ({
        target,
        port,
        priority,
        weight,
      }));
      return { type, name, records };
    }
    return { type, name, records: await this.addresses(name) };
  }

  /** A and AAAA, IPv4 first. */
  private async addresses(name: string): Promise<readonly string[]> {
    if (this.server !== undefined && !(await isLocalName(name))) {
      const [ipv4, ipv6] = await Promise.all([
        this.ask(() => this.resolver.resolve4(name)),
        this.ask(() => this.resolver.resolve6(name)),
      ]);
      return [...ipv4, ...ipv6];
    }
    try {
      const found = await lookup(name, { all: true, order: 'ipv4first' });
      return found.map(({ address }) => address);
    } catch (error) {
      this.code = codeOf(error);
      return [];
    }
  }

  private async ask<T>(question: () => Promise<T[]>): Promise<T[]> {
    if (this.silent) return [];
    try {
      return await question();
    } catch (error) {
      this.code = codeOf(error);
      this.silent ||= this.code === 'ETIMEOUT' || this.code === 'ECONNREFUSED';
      return [];
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
