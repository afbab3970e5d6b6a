/**
 * A DNS server by hand (RFC 1035, RFC 2782, RFC 3403, RFC 3596): A, AAAA, SRV and NAPTR records out of a table, over
 * UDP. It shares no code with src/, so that a mistake there is not made here as well.
 */
import { createSocket } from 'node:dgram';
import { type Lab, LOOPBACK } from './lab.ts';

/** One record, its data as text: `127.0.0.2`; an IPv6 address in full, `0:0:0:0:0:0:0:1`; `priority weight port target`; `order preference flags service replacement`. */
export interface DnsRecord {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'SRV' | 'NAPTR';
  readonly data: string;
  /** In seconds; 5 when not said. */
  readonly ttlS?: number;
}

/** A running server. */
export interface DnsServer {
  readonly address: string;
  /** Its questions so far, `SRV _sip._udp.example`; one that is asked again for want of an answer stands there once. */
  readonly asked: readonly string[];
  /** Questions are heard, and not answered any more. */
  fallSilent(): void;
}

const TYPES = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 } as const;
const TTL_S = 5;

/** Starts one. The table may change while it runs. `noneS`: how long "there is none" holds, by an SOA (RFC 2308 §3). */
export async function startDns(lab: Lab, records: readonly DnsRecord[], noneS?: number): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  let silent = false;
  socket.on('message', (query, { address, port }) => {
    const { name, type, end } = readQuestion(query);
    // ringback asks once more without EDNS when it has heard nothing in time: the same question (RFC 6891 §7).
    if (query.readUInt16BE(10) > 0)
      asked.push(`${Object.entries(TYPES).find(([, number]) => number === type)?.[0] ?? type} ${name}`);
    if (silent) return;
    const found = records.filter((one) => one.name === name && TYPES[one.type] === type);
    const header = Buffer.from(query.subarray(0, 12));
    // A response with authority; NXDOMAIN only for a name that has no record at all.
    header.writeUInt16BE(records.some((one) => one.name === name) ? 0x8400 : 0x8403, 2);
    header.writeUInt16BE(found.length, 6);
    const none = found.length === 0 && noneS !== undefined ? [soa(noneS)] : [];
    header.writeUInt16BE(none.length, 8);
    header.writeUInt16BE(0, 10);
    const answers = [...found.map(answer), ...none];
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, LOOPBACK, resolve));
  lab.defer(() => void socket.close());
  const fallSilent = () => {
    silent = true;
  };
  return { address: `${LOOPBACK}:${socket.address().port}`, asked, fallSilent };
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** The name of a record points at the question (RFC 1035 §4.1.4). */
function answer({ type, data, ttlS = TTL_S }: DnsRecord): Buffer {
  return record(TYPES[type], ttlS, dataOf(type, data.split(' ')));
}

/** What says how long "there is none" holds: the lesser of its time to live and its last number (RFC 2308 §5). */
function soa(ttlS: number): Buffer {
  const numbers = Buffer.alloc(20);
  numbers.writeUInt32BE(ttlS, 16);
  return record(6, ttlS, Buffer.concat([nameOf('ns.test'), nameOf('hostmaster.test'), numbers]));
}

function record(type: number, ttlS: number, content: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttlS, 6);
  head.writeUInt16BE(content.length, 10);
  return Buffer.concat([head, content]);
}

function dataOf(type: DnsRecord['type'], words: readonly string[]): Buffer {
  if (type === 'A') return Buffer.from((words[0] ?? '').split('.').map(Number));
  if (type === 'AAAA') return Buffer.concat((words[0] ?? '').split(':').map((word) => number(`0x${word}`)));
  const last = nameOf(words.at(-1) ?? '');
  if (type === 'SRV') return Buffer.concat([...words.slice(0, 3).map(number), last]);
  const [order = '', preference = '', flags = '', service = ''] = words;
  return Buffer.concat([number(order), number(preference), string(flags), string(service), string(''), last]);
}

function number(text: string): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(Number(text));
  return bytes;
}

function string(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
}

function nameOf(text: string): Buffer {
  return Buffer.concat([...text.split('.').map(string), Buffer.from([0])]);
}
