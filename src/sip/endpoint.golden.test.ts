/**
 * The same seed gives the same bytes and the same events, on this machine and on any other: what replay, golden
 * transcripts and bug reports stand on.
 *
 * `UPDATE_GOLDEN=1` writes fixtures/golden/echo-call.jsonl anew; read the difference before committing it.
 */
import { expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { streamEvent } from '../events.ts';
import { VirtualNetwork } from '../io/virtual.ts';
import { accountOf, ECHO_ADDRESS, endpointConfig, REGISTRAR_ADDRESS } from '../io/virtual-scene.ts';

const GOLDEN = join(import.meta.dir, '../../fixtures/golden/echo-call.jsonl');
const CALLER_ADDRESS = { address: '192.0.2.30', port: 5060 };

/** A registrar, an echo that registers over TCP, and a caller that reaches it through both, with some loss. */
function play(seed: number): { readonly lines: string; readonly bytes: string } {
  const network = new VirtualNetwork([seed, 2, 3, 4], {
    latencyMs: [5, 40],
    loss: 0.1,
    duplication: 0.1,
    reordering: 0.1,
  });
  const users = ['echo', 'anna'].map((user) => ({ user, password: 'secret' }));
  const server = { host: REGISTRAR_ADDRESS.address, port: 5060 };
  const registrar = network.addEndpoint(
    'registrar',
    REGISTRAR_ADDRESS,
    endpointConfig(REGISTRAR_ADDRESS, {
      seed: [seed, 1, 1, 1],
      registrar: { domain: 'lab.local', users },
      rawMessages: true,
    }),
  );
  const echo = network.addEndpoint(
    'echo',
    ECHO_ADDRESS,
    endpointConfig(ECHO_ADDRESS, {
      seed: [seed, 2, 2, 2],
      echo: true,
      accounts: [accountOf('echo', { server: { ...server, transport: 'tcp' } })],
      rawMessages: true,
    }),
    [10_000],
  );
  const caller = network.addEndpoint(
    'caller',
    CALLER_ADDRESS,
    endpointConfig(CALLER_ADDRESS, {
      seed: [seed, 3, 3, 3],
      accounts: [accountOf('anna', { server: { ...server, transport: 'udp' } })],
      rawMessages: true,
    }),
  );
  for (const node of [echo, caller]) node.act({ type: 'register' });
  network.run(5_000);
  caller.act({
    type: 'call',
    to: 'echo@lab.local',
    audio: { address: CALLER_ADDRESS.address, port: 40_000 },
  });
  network.run(3_000);
  echo.media.count(0, { packetsReceived: 150, packetsSent: 150, bytesReceived: 25_800, bytesSent: 25_800 });
  echo.sample();
  caller.act({ type: 'hangup-all' });
  network.run(5_000);
  for (const node of [echo, caller]) node.act({ type: 'stop', reason: 'the end' });
  network.run(6_000);
  registrar.act({ type: 'stop', reason: 'the end' });
  const lines = network.events.map((event) => `${JSON.stringify(event)}\n`).join('');
  return { lines, bytes: JSON.stringify(network.sent) };
}

test('the same seed gives the same bytes and the same event lines twice', () => {
  expect(play(7)).toEqual(play(7));
  expect(play(8).bytes).not.toBe(play(7).bytes);
});

test('a registration and a call through the registrar are those of fixtures/golden', () => {
  const { lines } = play(7);
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(GOLDEN, lines);
  expect(lines).toBe(readFileSync(GOLDEN, 'utf8'));
});

test('every event of it is one of the vocabulary, and no password is in it', () => {
  const { lines } = play(7);
  const events = lines.trimEnd().split('\n');
  expect(events.length).toBeGreaterThan(50);
  for (const line of events) expect(streamEvent.safeParse(JSON.parse(line)).error).toBeUndefined();
  expect(lines).not.toContain('secret');
  expect(lines).toContain('"to":"established"');
  expect(lines).toContain('"to":"unregistered"');
});
