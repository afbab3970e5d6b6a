/**
 * Messages parsed a second, beside the npm package `sip`, in one process and in alternating rounds.
 *
 *     bun bench/parse.ts
 *
 * `parseMessage` alone finds the header fields and understands none: that is what a parse is here. With
 * `readCoreHeaders` it is what every message that comes in costs before somebody decides.
 * `sip` understands Via, From, To, CSeq, Contact, Route and the digest fields while it parses, so a last figure
 * has ours read all of those as well.
 */
import type { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import { parseAuthorization } from '../src/auth/authorization.ts';
import { parseContacts } from '../src/sip/contact.ts';
import { readCoreHeaders } from '../src/sip/core-headers.ts';
import { allValues } from '../src/sip/list.ts';
import { fields, type SipMessage } from '../src/sip/message.ts';
import { parseNameAddrList } from '../src/sip/name-addr.ts';
import { parseMessage } from '../src/sip/parse-message.ts';
import { parseUri } from '../src/sip/uri.ts';
import { parseVia } from '../src/sip/via.ts';
import { corpus } from './parse-corpus.ts';

/** One comparison. Figures are messages a second, medians over the rounds. */
export interface Comparison {
  readonly name: string;
  readonly ours: number;
  readonly theirs: number;
  /** ours ÷ theirs. */
  readonly ratio: number;
  /** The ratio that was set as a goal. */
  readonly reach: number;
}

const MESSAGES = corpus();
/** Short ones, so that what else the machine does meets all parsers alike. */
const ROUNDS = 80;
const ROUNDS_OF_WARMING = 10;
const MESSAGES_A_ROUND = 8_192;
const REACH = 4;

type Parse = (bytes: Buffer) => boolean;

function found(bytes: Buffer): boolean {
  return parseMessage(bytes).ok;
}

function core(bytes: Buffer): boolean {
  const parsed = parseMessage(bytes);
  return parsed.ok && readCoreHeaders(parsed.value, parsed.text).ok;
}

function everything(bytes: Buffer): boolean {
  const parsed = parseMessage(bytes);
  return parsed.ok && readCoreHeaders(parsed.value, parsed.text).ok && readTheRest(parsed.value);
}

/** What `sip` understands in its parse and `readCoreHeaders` leaves alone: the other Vias, routes, Contact, credentials. */
function readTheRest(message: SipMessage): boolean {
  const vias = allValues(message, 'Via');
  if (!vias.ok) return false;
  const others = vias.value.slice(1);
  if (!others.every(({ text, offset }) => parseVia(text, offset).ok)) return false;
  for (const name of ['Route', 'Record-Route']) {
    const routes = parseNameAddrList(message, name);
    if (!routes.ok || !routes.value.every(({ uri }) => parseUri(uri).ok)) return false;
  }
  const credentials = fields(message, 'Authorization');
  return parseContacts(message).ok && credentials.every(({ value }) => parseAuthorization(value).ok);
}

function theirs(parse: (bytes: Buffer) => unknown): Parse {
  return (bytes) => parse(bytes) !== undefined;
}

/** Messages a second over one round of the corpus. Throws when a message is refused, as then nothing was measured. */
function measure(parse: Parse, messages: number): number {
  const startMs = performance.now();
  let parsed = 0;
  for (let index = 0; index < messages; index++) {
    const bytes = MESSAGES[index % MESSAGES.length];
    if (bytes && parse(bytes)) parsed++;
  }
  if (parsed !== messages) throw new Error(`${messages - parsed} messages were not understood`);
  return (messages * 1000) / (performance.now() - startMs);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

/** The comparisons; takes about 20 s. */
export async function run(): Promise<Comparison[]> {
  const peer: unknown = createRequire(import.meta.url)('sip');
  if (typeof peer !== 'object' || peer === null || !('parse' in peer) || typeof peer.parse !== 'function') {
    throw new Error('the package sip is not installed');
  }
  const { parse } = peer;
  const parsers: readonly Parse[] = [theirs((bytes) => parse(bytes)), found, core, everything];
  const figures: number[][] = parsers.map(() => []);
  // The first rounds compile the code and do not count.
  for (let round = -ROUNDS_OF_WARMING; round < ROUNDS; round++) {
    for (const [index, parser] of parsers.entries()) {
      const figure = measure(parser, MESSAGES_A_ROUND);
      if (round >= 0) figures[index]?.push(figure);
    }
  }
  const [sip = [], ourFound = [], ourCore = [], ourEverything = []] = figures;
  const compare = (name: string, ours: readonly number[]): Comparison => {
    const ratios = ours.map((figure, round) => figure / (sip[round] ?? Number.NaN));
    return { name, ours: median(ours), theirs: median(sip), ratio: median(ratios), reach: REACH };
  };
  return [
    compare('parse, header fields found', ourFound),
    compare('parse, core header fields read', ourCore),
    compare('parse, every header field read that sip reads', ourEverything),
  ];
}

if (import.meta.main) {
  for (const { name, ours, theirs, ratio, reach } of await run()) {
    const figures = `${Math.round(ours)} messages a second, sip ${Math.round(theirs)}`;
    console.log(`${name}: ${figures}, ${ratio.toFixed(2)} x (reach ${reach} x)`);
  }
}
