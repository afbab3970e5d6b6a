/** Questions over real sockets on loopback: the next server, TCP for what is long, and whom nothing is taken from. */
import { afterEach, expect, test } from 'bun:test';
import { type Answer, decode, encode } from 'dns-packet';
import type { Question } from './dns-answer.ts';
import { dnsClient } from './dns-client.ts';
import { serverFinder } from './find-servers.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const A: Question = { type: 'A', name: 'pbx.example.org' };
const ADDRESS: Answer = { type: 'A', name: A.name, ttl: 60, data: '192.0.2.1' };

/** A server over UDP and TCP at one port. UDP answers what `datagrams` makes of a query, TCP with `answers`. */
async function server(
  datagrams: (query: ReturnType<typeof decode>) => readonly Uint8Array[],
  answers: readonly Answer[] = [],
  hostname = '127.0.0.1',
): Promise<{ readonly address: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const note = (query: ReturnType<typeof decode>) => {
    const [question] = query.questions ?? [];
    asked.push(`${question?.type} ${question?.name}`);
    return query;
  };
  const tcp = Bun.listen({
    hostname,
    port: 0,
    socket: {
      data(socket, bytes) {
        const { id, questions = [] } = note(decode(Buffer.from(bytes.subarray(2))));
        const answer = encode({ type: 'response', id: id ?? 0, questions, answers: [...answers] });
        const framed = Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 0xff]), answer]);
        // In two pieces: a stream keeps no borders.
        socket.write(framed.subarray(0, 1));
        socket.write(framed.subarray(1));
      },
    },
  });
  const udp = await Bun.udpSocket({
    hostname,
    port: tcp.port,
    socket: {
      data(socket, bytes, port, address) {
        for (const answer of datagrams(note(decode(bytes)))) socket.send(answer, port, address);
      },
    },
  });
  closing.push(
    () => tcp.stop(true),
    () => udp.close(),
  );
  const host = hostname.includes(':') ? `[${hostname}]` : hostname;
  return { address: `${host}:${udp.port}`, asked };
}

const answer = (
  { id = 0, questions = [] }: ReturnType<typeof decode>,
  answers: Answer[],
  flags = 0,
): Uint8Array => encode({ type: 'response', id, questions, answers, flags });

test('a datagram with another number is passed over, and the right one taken (RFC 5452)', async () => {
  const { address } = await server((query) => [
    answer({ ...query, id: ((query.id ?? 0) + 1) & 0xffff }, [{ ...ADDRESS, data: '192.0.2.66' }]),
    new Uint8Array([1, 2, 3]),
    answer(query, [ADDRESS]),
  ]);
  expect(await dnsClient(address)(A)).toMatchObject({ ttlS: 60, records: [{ data: '192.0.2.1' }] });
});

test('a name server has an IPv6 address as well', async () => {
  const dns = await server((query) => [answer(query, [ADDRESS])], [], '::1');
  expect(await dnsClient(dns.address)(A)).toMatchObject({ records: [{ data: '192.0.2.1' }] });
});

test('what is too long for a datagram comes over TCP (RFC 7766 §5)', async () => {
  const { address, asked } = await server((query) => [answer(query, [], 0x0200)], [ADDRESS]);
  expect(await dnsClient(address)(A)).toMatchObject({ records: [{ data: '192.0.2.1' }] });
  expect(asked).toEqual(['A pbx.example.org', 'A pbx.example.org']);
});

test('a server that does not know EDNS is asked without it the second time (RFC 6891 §7)', async () => {
  const FORMERR = 1;
  const { address, asked } = await server((query) => [
    query.additionals?.length === 0 ? answer(query, [ADDRESS]) : answer(query, [], FORMERR),
  ]);
  expect(await dnsClient(address)(A)).toMatchObject({ records: [{ data: '192.0.2.1' }] });
  expect(asked).toHaveLength(2);
});

test('a port where nobody listens says so at once', async () => {
  const { address } = await server(() => []);
  for (const close of closing.splice(0)) close();
  expect(await dnsClient(address)(A)).toEqual({ failed: 'ECONNREFUSED' });
});

test('a name is asked for once in its time to live, for all that want it', async () => {
  const records: Record<string, Answer[]> = {
    'SRV _sip._udp.example.org': [
      { type: 'SRV', name: '_sip._udp.example.org', ttl: 60, data: { port: 5070, target: 'a.example.org' } },
    ],
    'A a.example.org': [{ type: 'A', name: 'a.example.org', ttl: 60, data: '192.0.2.7' }],
  };
  const { address, asked } = await server((query) => {
    const [question] = query.questions ?? [];
    return [answer(query, records[`${question?.type} ${question?.name}`] ?? [])];
  });
  const find = serverFinder(address);
  const query = { host: 'example.org', transport: 'udp', open: 'port' } as const;
  const first = await find(query);
  expect(first.answers).toEqual([
    {
      type: 'srv',
      name: '_sip._udp.example.org',
      records: [{ priority: 0, weight: 0, port: 5070, target: 'a.example.org' }],
    },
    { type: 'address', name: 'a.example.org', records: ['192.0.2.7'] },
  ]);
  expect(await find(query)).toEqual(first);
  // The AAAA that is not there has no SOA beside it, so nobody may keep that.
  expect(asked.sort()).toEqual([
    'A a.example.org',
    'AAAA a.example.org',
    'AAAA a.example.org',
    'SRV _sip._udp.example.org',
  ]);
});
