/** Traces: written on the virtual network, played again, and free of what could be tried against a password. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import type { Event } from '../events.ts';
import { Endpoint } from '../sip/endpoint.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import type { Output } from '../sip/endpoint-io.ts';
import type { SocketAddress } from '../sip/flow.ts';
import { readTraceLine } from './trace.ts';
import { traceRecorder } from './trace-recorder.ts';
import { replayTrace, type TraceVerdict } from './trace-replay.ts';
import { type Node, VirtualNetwork } from './virtual.ts';
import { VirtualMedia } from './virtual-media.ts';
import { accountOf, ECHO_ADDRESS, endpointConfig, REGISTRAR_ADDRESS } from './virtual-scene.ts';

const PASSWORD = 'correct horse';
const TUNNEL = '10.8.0.2';
const CALLER_ADDRESS = { address: '192.0.2.30', port: 5060 };

/** An endpoint that is recorded as the driver would, and the lines of its trace. */
function recorded(network: VirtualNetwork, name: string, local: SocketAddress, config: EndpointConfig) {
  const lines: string[] = [];
  const media = new VirtualMedia([10_000]);
  const recorder = traceRecorder((line) => lines.push(line), { version: '0.1.0', style: 'transcript' });
  recorder.tap.started(config);
  const endpoint = new Endpoint(
    config,
    (slot) => {
      const counters = media.read(slot);
      recorder.tap.counters(slot, counters);
      return counters;
    },
    (peer) => {
      // A tunnel to the registrar, which no interface tells of.
      const way = name === 'caller' && peer === REGISTRAR_ADDRESS.address ? TUNNEL : undefined;
      recorder.tap.route(peer, way);
      return way;
    },
  );
  let seq = 0;
  const write = (outputs: readonly Output[], atMs: number) => {
    for (const output of outputs) {
      if (output.type !== 'event') continue;
      const event = { v: 1, seq: ++seq, atMs: Math.round(atMs * 10) / 10, ...output.event } as Event;
      recorder.event(event);
    }
    return outputs;
  };
  const node: Node = network.addActor(
    name,
    local,
    {
      handle(input, nowMs) {
        recorder.tap.input(input, nowMs);
        return write(endpoint.handle(input, nowMs), nowMs);
      },
      deadlineMs: () => endpoint.deadlineMs(),
    },
    true,
  );
  for (const transport of ['udp', 'tcp'] as const)
    network.feed(node, { type: 'listening', transport, local });
  return { node, text: () => lines.map((line) => `${line}\n`).join('') };
}

/** A caller registers, over UDP or TCP, and calls a user who is not there; another one has the wrong password. */
function scene(transport: 'udp' | 'tcp') {
  const network = new VirtualNetwork([1, 2, 3, 4], {
    latencyMs: [5, 40],
    loss: 0.1,
    duplication: 0.1,
    reordering: 0.1,
  });
  const users = ['anna', 'echo'].map((user) => ({ user, password: PASSWORD }));
  const registrar = recorded(
    network,
    'registrar',
    REGISTRAR_ADDRESS,
    endpointConfig(REGISTRAR_ADDRESS, { registrar: { domain: 'lab.local', users }, rawMessages: true }),
  );
  const account = (user: string, password: string) => ({
    ...accountOf(user, { server: { host: REGISTRAR_ADDRESS.address, port: 5060, transport } }),
    password,
  });
  const client = (name: string, local: SocketAddress, user: string, password: string) => {
    const config = endpointConfig(local, { accounts: [account(user, password)], rawMessages: true });
    const made = recorded(network, name, local, config);
    network.feed(made.node, { type: 'action', action: { type: 'register' } });
    return made;
  };
  const caller = client('caller', CALLER_ADDRESS, 'anna', PASSWORD);
  const wrong = client('wrong', ECHO_ADDRESS, 'echo', 'not the password');
  network.run(5_000);
  const to = 'echo@lab.local';
  network.feed(caller.node, { type: 'action', action: { type: 'call', to, audio: CALLER_ADDRESS } });
  network.run(5_000);
  return { registrar: registrar.text(), caller: caller.text(), wrong: wrong.text() };
}

function play(text: string): { readonly verdict: TraceVerdict; readonly events: Event[] } {
  const events: Event[] = [];
  const verdict = replayTrace(text, { begins: () => {}, event: (event) => events.push(event) });
  return { verdict, events };
}

for (const transport of ['udp', 'tcp'] as const) {
  test(`a trace over ${transport} plays the same, on both sides of a digest`, () => {
    for (const [name, text] of Object.entries(scene(transport))) {
      const { verdict, events } = play(text);
      expect(verdict, name).toMatchObject({ type: 'same', events: events.length });
      expect(events.length).toBeGreaterThan(10);
    }
  });

  test(`no password and no digest that fits one is in a trace over ${transport}`, () => {
    for (const text of Object.values(scene(transport))) {
      expect(text).not.toContain(PASSWORD);
      expect(text).not.toContain('not the password');
    }
    const { registrar } = scene(transport);
    // What was right is right with the password of traces, what was wrong is zeros.
    expect(registrar).toMatch(/response=\\"[1-9a-f][0-9a-f]{63}\\"/);
    expect(registrar).toMatch(/response=\\"0{64}\\"/);
  });
}

test('the first event that is another is found, with both sides of it', () => {
  const { caller } = scene('udp');
  const { verdict, events } = play(
    caller.replace('"startLine":"SIP/2.0 200 OK"', '"startLine":"SIP/2.0 200 Yes"'),
  );
  expect(verdict).toMatchObject({
    type: 'different',
    seq: events.length + 1,
    expected: { startLine: 'SIP/2.0 200 Yes' },
    got: { startLine: 'SIP/2.0 200 OK' },
  });
});

test('the ways that the machine named stand in a trace, and a replay takes them from there', () => {
  const { caller } = scene('udp');
  const way = JSON.stringify({ route: REGISTRAR_ADDRESS.address, local: TUNNEL });
  expect(caller).toContain(way);
  expect(caller).toContain(`<sip:anna@${TUNNEL}:5060>`);
  expect(caller).toContain('"learnedBy":"route"');
  expect(play(caller).verdict.type).toBe('same');
  expect(play(caller.replace(way, way.replace(TUNNEL, '10.8.0.3'))).verdict.type).toBe('different');
});

test('an event that is gone from a trace, or one that was put in, is a difference', () => {
  const lines = scene('udp').caller.split('\n');
  const at = lines.findIndex((line) => line.includes('"type":"sip.sent"'));
  expect(play(lines.toSpliced(at, 1).join('\n')).verdict.type).toBe('different');
  expect(play(lines.toSpliced(at, 0, lines[at] ?? '').join('\n')).verdict.type).toBe('different');
});

test('a trace that breaks off is played as far as it goes, and says so', () => {
  const { caller } = scene('udp');
  for (const part of [0.3, 0.5, 0.77, 0.9]) {
    const { verdict, events } = play(caller.slice(0, caller.length * part));
    expect(verdict).toMatchObject({ type: 'same', cut: expect.any(String) });
    expect(events.length).toBeGreaterThan(0);
  }
});

test('a trace that was tampered with throws nothing', () => {
  const texts = Object.values(scene('tcp'));
  const change = fc.tuple(
    fc.nat(1_000_000),
    fc.constantFrom('"', '0', '9', '-', '{', 'a', '\\', ',', '\n', 'e'),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.array(change, { minLength: 1, maxLength: 6 }),
      (text, changes) => {
        let broken = text;
        for (const [at, character] of changes) {
          const place = at % broken.length;
          broken = broken.slice(0, place) + character + broken.slice(place + 1);
        }
        play(broken);
      },
    ),
    fuzz(200),
  );
});

test('a line that is none of a trace is named, with what is wrong with it', () => {
  expect(play('').verdict).toMatchObject({ type: 'unreadable', line: 1, why: 'it is empty' });
  expect(play('hello\n').verdict).toMatchObject({ type: 'unreadable', line: 1, why: 'it is not JSON' });
  expect(play('{"trace":99}\n').verdict).toMatchObject({ type: 'unreadable', line: 1 });
  const [head = ''] = scene('udp').caller.split('\n');
  const bad = `${head}\n{"input":{"type":"datagram","remote":{"address":"x","port":70000}},"atMs":1}\n`;
  expect(play(bad).verdict).toMatchObject({ type: 'unreadable', line: 2 });
  const strange = `${head}\n{"input":{"type":"action","action":{"type":"call","to":7}},"atMs":1}\n`;
  expect(play(strange).verdict).toMatchObject({ type: 'unreadable', line: 2 });
  expect(readTraceLine('[]')).toBeString();
});
