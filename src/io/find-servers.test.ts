/** What is asked of a real DNS server, and what is not (RFC 3263 §4). The server is one that knows nothing. */
import { afterEach, expect, test } from 'bun:test';
import { findServers } from './find-servers.ts';

let close = () => {};
afterEach(() => close());

/** A server that refuses everything (RFC 1035 §4.1.1, RCODE 5), and how often it was asked. */
async function refusing(): Promise<{ readonly address: string; asked: () => number }> {
  let asked = 0;
  const socket = await Bun.udpSocket({
    hostname: '127.0.0.1',
    socket: {
      data(own, query, port, address) {
        asked += 1;
        const answer = Buffer.from(query);
        answer[2] = 0x81;
        answer[3] = 5;
        own.send(answer, port, address);
      },
    },
  });
  close = () => socket.close();
  return { address: `127.0.0.1:${socket.port}`, asked: () => asked };
}

test('a name of the machine itself has addresses and no services, whatever DNS says', async () => {
  const dns = await refusing();
  const found = await findServers({ host: 'localhost', transport: 'udp', open: 'transport' }, dns.address);
  expect(found).toMatchObject({ host: 'localhost', transport: 'udp', open: 'transport' });
  expect(found.addresses).toContain('127.0.0.1');
  expect(found.answers).toBeUndefined();
});

test('a server that refuses is no answer: the name could not be looked up, and the reason is said', async () => {
  const dns = await refusing();
  const found = await findServers({ host: 'pbx.invalid', transport: 'udp', open: 'port' }, dns.address);
  expect(found.addresses).toEqual([]);
  expect(found.error).toStartWith('pbx.invalid could not be looked up in DNS (');
  expect(dns.asked()).toBeGreaterThan(0);
});

test('.local is asked for in DNS where a DNS server was named', async () => {
  const dns = await refusing();
  await findServers({ host: 'pbx.lab.local', transport: 'udp', open: 'transport' }, dns.address);
  expect(dns.asked()).toBeGreaterThan(0);
});

test('with nobody at the port of DNS it is asked once for all, and that is the reason told', async () => {
  const socket = await Bun.udpSocket({ hostname: '127.0.0.1', port: 0 });
  const gone = `127.0.0.1:${socket.port}`;
  socket.close();
  const found = await findServers({ host: 'pbx.invalid', transport: 'udp', open: 'transport' }, gone);
  expect(found.error).toBe('pbx.invalid could not be looked up in DNS (ECONNREFUSED)');
});
