/**
 * One question to DNS and what its answer means (RFC 1035 §4, RFC 2181 §5.4.1, RFC 2308 §2): records of one type, or
 * that there are none, and for how long either may be kept.
 *
 * Why node's resolver is not enough: it tells no time to live for SRV and NAPTR, and none for what is not there. The
 * wire format is dns-packet's. What it cannot read is no answer, whatever it throws.
 */
import {
  type Answer,
  decode,
  encode,
  type OptAnswer,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet';

export type RecordType = 'A' | 'AAAA' | 'SRV' | 'NAPTR';

/** One name and one type of record; the name with or without the dot of the root. */
export interface Question {
  readonly type: RecordType;
  readonly name: string;
}

/** The records of that type, or why there are none; `ttlS` in seconds, 0 when it may not be kept. */
export interface Found {
  readonly records: readonly Answer[];
  readonly code?: 'ENOTFOUND' | 'ENODATA';
  readonly ttlS: number;
}

/** What a response is worth: an answer; a word for a longer one over TCP; a server that does not want to. */
export type Reading = Found | 'truncated' | { readonly refused: string };

/** Records of one answer that are looked at: no set of SIP servers is longer. */
const MAX_RECORDS = 64;
/** Names that lead to others, one after the other (CNAME). */
const MAX_ALIASES = 8;
/** A larger time to live is an error of its writer, and counts as none (RFC 2181 §8). */
const MAX_WRITTEN_TTL_S = 2 ** 31 - 1;
/** What fits into one datagram on nearly every path; both sides may then leave fragments alone (RFC 6891 §6.2.5). */
const UDP_PAYLOAD_BYTES = 1232;

/** Whether it can stand in a question (RFC 1035 §2.3.4): a URI may have longer labels, and dns-packet writes them. */
export function isDomainName(name: string): boolean {
  const labels = name.replace(/\.$/, '').split('.');
  return name.length <= 253 && labels.every((label) => label.length > 0 && label.length <= 63);
}

/** A word on how long a datagram we take (RFC 6891 §6.1.2). */
const OPT: OptAnswer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: UDP_PAYLOAD_BYTES,
  flags: 0,
  options: [],
  extendedRcode: 0,
  ednsVersion: 0,
  flag_do: false,
};

/** The bytes of a question; `extended`: with a word on how long a datagram we take. The name is a domain name. */
export function questionBytes({ type, name }: Question, id: number, extended: boolean): Uint8Array {
  const questions = [{ type, name }];
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions,
    additionals: extended ? [OPT] : [],
  });
}

/** Reads a response; undefined when it is none to that question: it is somebody else's, or a forger's. */
export function readAnswer(bytes: Uint8Array, { type, name }: Question, id: number): Reading | undefined {
  const packet = decoded(bytes);
  const [asked] = packet?.questions ?? [];
  if (packet?.type !== 'response' || packet.id !== id || asked === undefined) return undefined;
  if (asked.type !== type || !isSameName(asked.name, name)) return undefined;
  if (((packet.flags ?? 0) & TRUNCATED_RESPONSE) !== 0) return 'truncated';
  // dns-packet gives it, its types do not know of it.
  const rcode = 'rcode' in packet ? String(packet.rcode) : '';
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return { refused: CODES[rcode] ?? 'ESERVFAIL' };
  const { records, ttlS } = follow(packet.answers ?? [], type, name);
  if (records.length > 0) return { records, ttlS };
  const code = rcode === 'NXDOMAIN' ? 'ENOTFOUND' : 'ENODATA';
  return { records: [], code, ttlS: Math.min(ttlS, negativeTtlS(packet.authorities ?? [])) };
}

/** As node names them. */
const CODES: Readonly<Record<string, string>> = {
  REFUSED: 'EREFUSED',
  SERVFAIL: 'ESERVFAIL',
  FORMERR: 'EFORMERR',
  NOTIMP: 'ENOTIMP',
};

function decoded(bytes: Uint8Array): ReturnType<typeof decode> | undefined {
  try {
    return decode(Buffer.from(bytes));
  } catch {
    return undefined;
  }
}

/** The records of a name, along its aliases (RFC 1034 §3.6.2). They are worth as long as the shortest of them. */
function follow(
  answers: readonly Answer[],
  type: RecordType,
  name: string,
): { readonly records: readonly Answer[]; readonly ttlS: number } {
  let [owner, ttlS] = [name, MAX_WRITTEN_TTL_S];
  for (let aliases = 0; aliases <= MAX_ALIASES; aliases++) {
    const own = answers.filter((one) => isSameName(one.name, owner));
    const records = own.filter((one) => one.type === type).slice(0, MAX_RECORDS);
    if (records.length > 0) return { records, ttlS: Math.min(ttlS, ...records.map(writtenTtlS)) };
    const alias = own.find((one) => one.type === 'CNAME');
    if (alias?.type !== 'CNAME') break;
    ttlS = Math.min(ttlS, writtenTtlS(alias));
    owner = alias.data;
  }
  return { records: [], ttlS };
}

/** How long "there is none" holds: by the SOA that came with it; without one it may not be kept (RFC 2308 §5). */
function negativeTtlS(authorities: readonly Answer[]): number {
  const soa = authorities.find(({ type }) => type === 'SOA');
  if (soa?.type !== 'SOA') return 0;
  return Math.min(writtenTtlS(soa), soa.data.minimum ?? 0);
}

function writtenTtlS(record: Answer): number {
  const ttlS = 'ttl' in record ? (record.ttl ?? 0) : 0;
  return ttlS > MAX_WRITTEN_TTL_S ? 0 : ttlS;
}

/** Names are compared without their case, and with or without the dot of the root (RFC 1035 §2.3.3). */
function isSameName(one: string, other: string): boolean {
  return one.replace(/\.$/, '').toLowerCase() === other.replace(/\.$/, '').toLowerCase();
}
