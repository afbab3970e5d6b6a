/** The DNS of the virtual network (RFC 3263 §4): what a test wrote down, and nothing else. */
import {
  type DnsAnswer,
  type DnsQuestion,
  type FoundServers,
  foundServers,
  type NaptrRecord,
  nextQuestions,
  type ServerQuery,
  type SrvRecord,
} from '../sip/server-location.ts';

export class VirtualDns {
  /** Host names and their addresses; what stands nowhere has none. */
  readonly names = new Map<string, readonly string[]>();
  /** Services: NAPTR by host name, SRV by `_sip._udp.` and the like before it. */
  readonly naptr = new Map<string, readonly NaptrRecord[]>();
  readonly srv = new Map<string, readonly SrvRecord[]>();

  /** All that is wanted for one next hop. */
  find(query: ServerQuery): FoundServers {
    const known: DnsAnswer[] = [];
    for (let asked = nextQuestions(query, known); asked.length > 0; asked = nextQuestions(query, known)) {
      known.push(...asked.map((question) => this.answer(question)));
    }
    return foundServers(query, known, 'ENOTFOUND');
  }

  private answer({ type, name }: DnsQuestion): DnsAnswer {
    if (type === 'naptr') return { type, name, records: this.naptr.get(name) ?? [] };
    if (type === 'srv') return { type, name, records: this.srv.get(name) ?? [] };
    return { type, name, records: this.names.get(name) ?? [] };
  }
}
