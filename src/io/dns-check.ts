/**
 * Finds a server as the engine would, and keeps the time: what was asked of whom, what came back, what would be tried.
 */
import type { AskedQuestion, DnsFacts } from '../doctor/dns.ts';
import { formatAddress, hopAt, type NextHop } from '../sip/flow.ts';
import { addressFamily } from '../sip/ip-address.ts';
import { type FoundServers, queryOf, serverHops } from '../sip/server-location.ts';
import type { Found } from './dns-answer.ts';
import type { Tried } from './dns-client.ts';
import { findServers, type SystemTried } from './find-servers.ts';

/** `fraction` draws among SRV records of one priority. `limitMs` bounds all of it: the system's resolver may wait for a minute. */
export async function checkDns(
  hop: NextHop,
  dns: string | undefined,
  fraction: () => number,
  limitMs: number,
): Promise<DnsFacts> {
  if (addressFamily(hop.host) !== undefined) {
    return { hop, asked: [], order: [hopAt(hop, hop.host)], tookMs: 0 };
  }
  const startedMs = performance.now();
  const asked: AskedQuestion[] = [];
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), limitMs);
  const finding: Promise<FoundServers> = findServers(queryOf(hop), dns, (tried) =>
    asked.push(askedOf(tried)),
  );
  const found = await Promise.race([finding, late]);
  clearTimeout(timer);
  const facts = {
    hop,
    asked: [...asked],
    tookMs: performance.now() - startedMs,
  };
  if (found === undefined) return { ...facts, order: [], gaveUpMs: limitMs };
  return { ...facts, found, order: serverHops(hop, found, fraction) };
}

function askedOf(tried: Tried | SystemTried): AskedQuestion {
  if ('addresses' in tried) {
    const { name, addresses, code, tookMs } = tried;
    return { type: 'name', name, records: addresses, server: 'this system', tookMs, code };
  }
  const { question, server, outcome, tookMs } = tried;
  const where = server.port === 53 ? server.address : formatAddress(server);
  const about = { ...question, server: where, tookMs };
  if ('failed' in outcome) return { ...about, records: [], code: outcome.failed };
  return { ...about, records: outcome.records.flatMap(inWords), code: outcome.code };
}

/** The data of a record as a zone file has it, without the text that SIP does not use. */
function inWords(record: Found['records'][number]): readonly string[] {
  if (record.type === 'A' || record.type === 'AAAA') return [record.data];
  if (record.type === 'SRV') {
    const { priority = 0, weight = 0, port, target } = record.data;
    return [`${priority} ${weight} ${port} ${target}`];
  }
  if (record.type !== 'NAPTR') return [];
  const { order, preference, flags, services, replacement } = record.data;
  return [`${order} ${preference} ${String(flags)} ${String(services)} ${replacement}`];
}
