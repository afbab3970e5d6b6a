/**
 * Asks the DNS servers of this machine, or one that is named (RFC 1035 §4.2, RFC 7766): over UDP, the next server
 * after a silence, over TCP when an answer is too long for a datagram.
 *
 * Why each question has a socket of its own, connected: its port is another one each time, and the kernel keeps out
 * whatever comes from elsewhere, so that a forger has to guess port and number (RFC 5452).
 */
import { randomInt } from 'node:crypto';
import { Resolver } from 'node:dns';
import { isIP } from 'node:net';
import type { SocketAddress } from '../sip/flow.ts';
import { isDomainName, type Question, questionBytes, type Reading, readAnswer } from './dns-answer.ts';
import type { Outcome } from './dns-cache.ts';
import { anyAddressFor } from './local-addresses.ts';

/** How long each try waits, in ms; every server gets each of them. */
const WAITS_MS = [800, 1_600];
/** Servers of this machine that are asked; resolv.conf has three at most. */
const MAX_SERVERS = 3;
const DNS_PORT = 53;

/** One question to one server, and what became of it. */
export interface Tried {
  readonly question: Question;
  readonly server: SocketAddress;
  readonly outcome: Outcome;
  readonly tookMs: number;
}

/** Asks, as `server` (`address` or `address:port`) or else this machine's own servers answer. Never throws. */
export function dnsClient(
  server?: string,
  onTried?: (tried: Tried) => void,
): (question: Question) => Promise<Outcome> {
  return async (question) => {
    if (!isDomainName(question.name)) return { records: [], code: 'ENOTFOUND', ttlS: 0 };
    // Read anew each time: a machine that changes its network has other servers then.
    const servers = (server === undefined ? new Resolver().getServers() : [server]).flatMap(
      (text) => serverOf(text) ?? [],
    );
    let failed = 'ENOSERVER';
    for (const waitMs of WAITS_MS) {
      for (const one of servers.slice(0, MAX_SERVERS)) {
        const startedMs = performance.now();
        const outcome = await askOne(one, question, waitMs, waitMs === WAITS_MS[0]);
        onTried?.({ question, server: one, outcome, tookMs: performance.now() - startedMs });
        if (!('failed' in outcome)) return outcome;
        failed = outcome.failed;
      }
    }
    return { failed };
  };
}

/** "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353". */
function serverOf(text: string): SocketAddress | undefined {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  return isIP(address) === 0 ? undefined : { address, port: Number(port ?? DNS_PORT) };
}

/** `extended`: with EDNS. The second time it is left out: old forwarders refuse or drop what they do not know (RFC 6891 §7). */
async function askOne(
  server: SocketAddress,
  question: Question,
  waitMs: number,
  extended: boolean,
): Promise<Outcome> {
  const id = randomInt(0x1_0000);
  const query = questionBytes(question, id, extended);
  const read = (bytes: Uint8Array) => readAnswer(bytes, question, id);
  const failed = (error: unknown) => ({ failed: failureCode(error) });
  const heard = await overUdp(server, query, waitMs, read).catch(failed);
  if (heard !== 'truncated') return outcomeOf(heard);
  return outcomeOf(await overTcp(server, query, waitMs, read).catch(failed));
}

function outcomeOf(heard: Reading | { readonly failed: string }): Outcome {
  if (heard === 'truncated') return { failed: 'EBADRESP' };
  return 'refused' in heard ? { failed: heard.refused } : heard;
}

/** The code of what went wrong while DNS was asked (`ETIMEOUT`), or all that is known of it. */
export function failureCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** An error with such a code. */
export function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

type Reader = (bytes: Uint8Array) => Reading | undefined;

/** One datagram out, and the first that answers it; what does not is passed over. */
async function overUdp(
  { address, port }: SocketAddress,
  query: Uint8Array,
  waitMs: number,
  read: Reader,
): Promise<Reading> {
  const { promise, resolve, reject } = Promise.withResolvers<Reading>();
  const socket = await Bun.udpSocket({
    hostname: anyAddressFor(address),
    connect: { hostname: address, port },
    socket: {
      data(_socket, bytes) {
        const answer = read(bytes);
        if (answer !== undefined) resolve(answer);
      },
      error: reject,
    },
  });
  const timer = setTimeout(() => reject(failure('ETIMEOUT')), waitMs);
  try {
    socket.send(query);
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

/** The same over TCP, where a length stands before each message (RFC 1035 §4.2.2). */
async function overTcp(
  { address, port }: SocketAddress,
  query: Uint8Array,
  waitMs: number,
  read: Reader,
): Promise<Reading> {
  const { promise, resolve, reject } = Promise.withResolvers<Reading>();
  let heard = Buffer.alloc(0);
  const framed = Buffer.concat([Buffer.from([query.length >> 8, query.length & 0xff]), query]);
  const timer = setTimeout(() => reject(failure('ETIMEOUT')), waitMs);
  const connecting = Bun.connect({
    hostname: address,
    port,
    socket: {
      open(socket) {
        socket.write(framed);
      },
      data(_socket, chunk) {
        heard = Buffer.concat([heard, chunk]);
        if (heard.length < 2 || heard.length < 2 + heard.readUInt16BE(0)) return;
        const answer = read(heard.subarray(2, 2 + heard.readUInt16BE(0)));
        if (answer === undefined) reject(failure('EBADRESP'));
        else resolve(answer);
      },
      close() {
        reject(failure('ECONNRESET'));
      },
      connectError(_socket, error) {
        reject(error);
      },
    },
  });
  connecting.catch(reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    void connecting.then(
      (socket) => socket.end(),
      () => {},
    );
  }
}
