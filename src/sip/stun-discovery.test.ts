/** STUN for the SIP socket (RFC 8489 §6, §8.1, §10), on the virtual network. */
import { afterEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { ECHO_ADDRESS, endpointConfig } from '../io/virtual-scene.ts';
import { VirtualStunServer } from '../io/virtual-stun.ts';
import { parseStun } from '../stun/parse-stun.ts';
import { bindingRequest, writeStun } from '../stun/write-stun.ts';
import type { EndpointConfig } from './endpoint-config.ts';

const STUN = { address: '198.51.100.9', port: 3478 };
const PUBLIC = { address: '203.0.113.5', port: 41_000 };
const MOVED = { address: '203.0.113.5', port: 42_000 };

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let server: VirtualStunServer;

/** `prepare` runs before the endpoint asks. */
function open(
  stun: EndpointConfig['stun'] | 'none' = { host: STUN.address },
  prepare: () => void = () => {},
  about: Partial<EndpointConfig> = {},
): void {
  network = new VirtualNetwork();
  server = new VirtualStunServer(network, STUN, PUBLIC);
  prepare();
  const config = endpointConfig(ECHO_ADDRESS, {
    ...(stun === 'none' || stun === undefined ? {} : { stun }),
    keepaliveMs: 29_000,
    ...about,
  });
  ours = network.addEndpoint('ua', ECHO_ADDRESS, config, [10_000, 10_002]);
  network.run(100);
}

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(ours.stopped).toBe('the test is over');
});

const discovered = () =>
  network
    .eventsOf(ours, 'address.discovered')
    .flatMap(({ address, port, learnedBy }) => (learnedBy === 'stun' ? [`${address}:${port}`] : []));
const codes = () => network.eventsOf(ours, 'diagnosis.raised').map(({ code }) => code);
const sent = () => network.sent.filter(({ from }) => from === 'ua');
const media = () => ours.media.commands.filter(({ type }) => type === 'stun');

test('the SIP socket asks at the start, and says what it learned', () => {
  open();
  expect(discovered()).toEqual(['203.0.113.5:41000']);
  expect(codes()).toEqual([]);
  expect(sent().map(({ to, atMs }) => [to, atMs])).toEqual([['198.51.100.9:3478', 0]]);
});

test('without --stun nobody is asked', () => {
  open('none');
  network.run(60_000);
  expect(network.sent).toEqual([]);
});

test('asking goes on before a NAT forgets, and a mapping that changed is said once (RFC 5626 §4.4.1)', () => {
  open();
  network.run(60_000);
  expect(server.askedMs.length).toBeWithin(3, 4);
  const gaps = server.askedMs.slice(1).map((atMs, index) => atMs - (server.askedMs[index] ?? 0));
  for (const gap of gaps) expect(gap).toBeWithin(23_200, 29_030);
  server.sees = MOVED;
  network.run(60_000);
  expect(discovered()).toEqual(['203.0.113.5:41000', '203.0.113.5:42000']);
  // The mapping is kept, also where nothing else is.
  open({ host: STUN.address }, () => {}, { keepaliveMs: 0 });
  network.run(60_000);
  expect(server.askedMs.length).toBeWithin(3, 4);
});

test('the media threads ask that server too, again when our mapping moved', () => {
  open();
  expect(media()).toEqual([{ type: 'stun', server: STUN }]);
  network.run(60_000);
  expect(media()).toHaveLength(1);
  server.sees = MOVED;
  network.run(30_000);
  expect(media()).toEqual([
    { type: 'stun', server: STUN },
    { type: 'stun', server: STUN },
  ]);
});

test('a silent server is asked seven times, named after 7.5 s, given up after 39.5 s and asked again (§6.2.1)', () => {
  open({ host: STUN.address }, () => {
    server.silent = true;
  });
  network.run(7_000);
  expect(codes()).toEqual([]);
  network.run(1_000);
  expect(codes()).toEqual(['stun-unanswered']);
  network.run(39_500 - 8_100);
  expect(server.askedMs).toEqual([10, 510, 1_510, 3_510, 7_510, 15_510, 31_510]);
  server.silent = false;
  network.run(61_000);
  expect(codes()).toEqual(['stun-unanswered']);
  expect(discovered()).toEqual(['203.0.113.5:41000']);
});

test('a server that goes away takes its mapping with it: the media threads are told to forget', () => {
  open();
  server.silent = true;
  network.run(29_000 + 40_000);
  expect(codes()).toEqual(['stun-unanswered']);
  expect(media()).toEqual([{ type: 'stun', server: STUN }, { type: 'stun' }]);
});

test('an answer with another transaction id, and one from another address, are not believed', () => {
  open({ host: STUN.address }, () => {
    server.says = () => ({ class: 'success', transactionId: 'f'.repeat(24), mapped: PUBLIC });
  });
  network.run(1_000);
  expect(discovered()).toEqual([]);
  const stranger = new VirtualStunServer(network, { address: '198.51.100.66', port: 3478 }, MOVED);
  const asked = parseStun(Buffer.from(network.sent[0]?.text ?? '', 'latin1'));
  const transactionId = asked.ok ? asked.value.transactionId : '';
  expect(transactionId).toHaveLength(24);
  stranger.send(ECHO_ADDRESS, writeStun({ class: 'success', transactionId, mapped: MOVED }));
  network.run(100);
  expect(discovered()).toEqual([]);
});

test('an answer that comes after the request was sent again is the same answer', () => {
  open({ host: STUN.address }, () => {
    server.silent = true;
  });
  network.run(1_000);
  server.silent = false;
  network.run(1_000);
  expect(server.askedMs).toEqual([10, 510, 1_510]);
  expect(discovered()).toEqual(['203.0.113.5:41000']);
});

test('a name without a port is found by _stun._udp, one with a port by its address (§8.1)', () => {
  const records = [{ priority: 1, weight: 1, port: 3479, target: 'one.example.org' }];
  open({ host: 'example.org' }, () => {
    network.dns.srv.set('_stun._udp.example.org', records);
    network.names.set('one.example.org', [STUN.address]);
    network.names.set('example.org', ['192.0.2.77']);
  });
  expect(network.sent.map(({ to }) => to)).toEqual(['198.51.100.9:3479']);
  open({ host: 'example.org', port: 3478 }, () => {
    network.dns.srv.set('_stun._udp.example.org', records);
    network.names.set('example.org', [STUN.address]);
  });
  expect(discovered()).toEqual(['203.0.113.5:41000']);
});

test('a name that nobody knows is said, and looked up again in a minute', () => {
  open({ host: 'stun.example.org' });
  network.run(100);
  expect(codes()).toEqual(['stun-unresolved']);
  network.names.set('stun.example.org', [STUN.address]);
  network.run(61_000);
  expect(discovered()).toEqual(['203.0.113.5:41000']);
});

test('a port where nobody listens is left at once for the next address (§6.2.1, RFC 3263 §4.3)', () => {
  open({ host: 'stun.example.org' }, () => {
    network.names.set('stun.example.org', ['198.51.100.8', STUN.address]);
  });
  expect(discovered()).toEqual(['203.0.113.5:41000']);
  expect(codes()).toEqual([]);
});

test('300 is followed to the server that it names, three times and no further (§10)', () => {
  const other = { address: '198.51.100.10', port: 3478 };
  const away = (alternateServer: typeof STUN) => (transactionId: string) =>
    ({ class: 'error', transactionId, error: { code: 300, reason: '' }, alternateServer }) as const;
  open({ host: STUN.address }, () => {
    server.says = away(other);
    new VirtualStunServer(network, other, MOVED);
  });
  expect(discovered()).toEqual(['203.0.113.5:42000']);
  open({ host: STUN.address }, () => {
    server.says = away(other);
    new VirtualStunServer(network, other, MOVED).says = away(STUN);
  });
  network.run(1_000);
  expect(sent()).toHaveLength(4);
  expect(codes()).toEqual(['stun-refused']);
});

test('an error is said with what the server says', () => {
  open({ host: STUN.address }, () => {
    server.says = (transactionId) => ({
      class: 'error',
      transactionId,
      error: { code: 500, reason: 'no\u001b[2J' },
    });
  });
  const [diagnosis] = network.eventsOf(ours, 'diagnosis.raised');
  expect(diagnosis?.code).toBe('stun-refused');
  expect(diagnosis?.evidence).toStartWith('198.51.100.9:3478: 500 no');
  expect(diagnosis?.evidence).not.toContain('\u001b');
});

test('a question that is sent again changes no identifier of a call', () => {
  const callId = (silent: boolean) => {
    open({ host: STUN.address }, () => {
      server.silent = silent;
    });
    network.run(5_000);
    ours.act({ type: 'call', to: 'sip:200@192.0.2.77' });
    network.run(10);
    return /Call-ID: (\S+)/.exec(network.sent.at(-1)?.text ?? '')?.[1];
  };
  expect(callId(true)).toBe(callId(false) ?? '');
});

test('a Binding request of anybody is told its source, an indication and damage are told nothing (RFC 5626 §8)', () => {
  open('none');
  const { bytes, transactionId } = bindingRequest([1, 2, 3]);
  server.send(ECHO_ADDRESS, bytes);
  network.run(20);
  const [answer] = sent();
  expect(parseStun(Buffer.from(answer?.text ?? '', 'latin1'))).toMatchObject({
    value: { class: 'success', transactionId, mapped: STUN },
  });
  server.send(ECHO_ADDRESS, writeStun({ class: 'indication', transactionId }));
  server.send(ECHO_ADDRESS, Buffer.concat([bytes.subarray(0, 24), new Uint8Array(4)]));
  network.run(100);
  expect(sent()).toHaveLength(1);
  expect(codes()).toEqual([]);
  expect(network.eventsOf(ours, 'sip.rejected')).toEqual([]);
});

test('strangers get so many answers a second and no more', () => {
  open('none');
  const { bytes } = bindingRequest([1, 2, 3]);
  for (let count = 0; count < 1_500; count++) network.feed(ours, { type: 'datagram', remote: STUN, bytes });
  expect(network.sent).toHaveLength(1_000);
  network.run(500);
  for (let count = 0; count < 1_500; count++) network.feed(ours, { type: 'datagram', remote: STUN, bytes });
  expect(network.sent).toHaveLength(1_500);
});
