/**
 * No bytes throw out of `handle`, whatever they are and in whatever state they meet us, what we send is always a
 * message that we could read ourselves, and nothing a stranger sends grows without bound (limits.ts).
 *
 * `bun run fuzz` does it with more runs (FUZZ_RUNS); fast-check prints the seed and the path of what it finds.
 */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyCharacter, fuzz } from '../../fixtures/fuzz.ts';
import { sipFixture, sipFixtureNames } from '../../fixtures/sip/read.ts';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { offerText } from '../io/virtual-caller.ts';
import { accountOf, ECHO_ADDRESS, endpointConfig, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import { writeStun } from '../stun/write-stun.ts';
import { parseTargetContact } from './contact.ts';
import { readCoreHeaders } from './core-headers.ts';
import type { Input } from './endpoint-io.ts';
import { MAX_CONNECTIONS, MAX_MESSAGE_BYTES } from './limits.ts';
import { field } from './message.ts';
import { parseMessage } from './parse-message.ts';
import { StreamFramer } from './stream-framing.ts';
import { bytesOf, latin1 } from './text.ts';

/** An endpoint that does all it can: echo, registrar, accounts over both transports. */
function open(): { network: VirtualNetwork; ours: VirtualEndpoint } {
  const network = new VirtualNetwork();
  const tcp = { host: '192.0.2.1', port: 5060, transport: 'tcp' } as const;
  const config = endpointConfig(ECHO_ADDRESS, {
    echo: true,
    maxCalls: 3,
    accounts: [accountOf('100'), accountOf('101', { server: tcp })],
    rawMessages: true,
  });
  const ours = network.addEndpoint('ours', ECHO_ADDRESS, config, [10_000, 10_002]);
  return { network, ours };
}

/** Messages that know each other: one Call-ID, one branch, tags that may be ours. */
function dialogue(method: string, branch: number, sequence: number, toTag: string, rest: string): string {
  return [
    `${method} sip:echo@192.0.2.10 SIP/2.0`,
    `Via: SIP/2.0/UDP 192.0.2.20:5060;rport;branch=z9hG4bKfz${branch}`,
    'From: "F" <sip:f@example.org>;tag=fz',
    `To: <sip:echo@192.0.2.10>${toTag === '' ? '' : `;tag=${toTag}`}`,
    'Call-ID: fuzz',
    `CSeq: ${sequence} ${method}`,
    'Contact: <sip:f@192.0.2.20>',
    rest,
  ].join('\r\n');
}

const METHODS = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'NOTIFY', 'REGISTER', 'SUBSCRIBE', 'PRACK'];

const offers = fc
  .record({
    address: fc.constantFrom('192.0.2.20', '0.0.0.0', '::1', 'host.example'),
    port: fc.constantFrom(0, 1, 30_000, 65_535),
    direction: fc.constantFrom('sendrecv' as const, 'sendonly' as const, 'inactive' as const),
    codecs: fc.constantFrom(
      { 0: 'PCMU/8000' },
      { 9: 'G722/8000', 101: 'telephone-event/8000' },
      { 77: 'X/1' },
    ),
  })
  .map(offerText);

/** A request that fits into a call, or does not quite. `OURS` becomes the tag that we gave last. */
const fitting = fc
  .record({
    method: fc.constantFrom(...METHODS),
    branch: fc.integer({ min: 1, max: 4 }),
    sequence: fc.integer({ min: 1, max: 5 }),
    toTag: fc.constantFrom('', 'OURS', 'OURS', 'nobody'),
    body: fc.oneof(offers, fc.constant('')),
  })
  .map(({ method, branch, sequence, toTag, body }) => {
    const type = body === '' ? '' : 'Content-Type: application/sdp\r\n';
    return dialogue(method, branch, sequence, toTag, `${type}Content-Length: ${body.length}\r\n\r\n${body}`);
  });

const real = fc.constantFrom(...sipFixtureNames().map((name) => latin1(sipFixture(name))));
const responses = fc
  .record({ status: fc.integer({ min: 100, max: 699 }), which: fc.nat({ max: 5 }) })
  .map(({ status, which }) => `RESPONSE ${status} ${which}`);

/** Cut, doubled or overwritten at one place. */
const mutated = fc
  .record({
    text: fc.oneof(fitting, real),
    at: fc.nat({ max: 1_000 }),
    length: fc.nat({ max: 40 }),
    put: fc.oneof(
      fc.string({ maxLength: 12, unit: anyCharacter }),
      fc.constantFrom('\r\n', ';', ',', '"', '<', '%', '\0', ':5060', ';tag=', 'Via: ', '4294967296', '[::1'),
    ),
  })
  .map(({ text, at, length, put }) => text.slice(0, at) + put + text.slice(at + length));

const texts = fc.oneof(
  { weight: 6, arbitrary: fitting },
  { weight: 2, arbitrary: responses },
  { weight: 3, arbitrary: mutated },
  { weight: 1, arbitrary: real },
  { weight: 1, arbitrary: fc.string({ maxLength: 200, unit: anyCharacter }) },
);

const steps = fc.array(
  fc.record({
    text: texts,
    stream: fc.boolean(),
    cut: fc.nat({ max: 300 }),
    waitMs: fc.constantFrom(0, 0, 5, 100, 600, 5_000, 40_000),
    port: fc.constantFrom(5060, 5061),
    act: fc.constantFrom(
      'none',
      'none',
      'none',
      'none',
      'call',
      'register',
      'hangup-all',
      'sample',
      'unreachable',
    ),
  }),
  { minLength: 1, maxLength: 8 },
);

type Step = (typeof steps extends fc.Arbitrary<infer T> ? T : never)[number];

/** The tag that our last response gave, and a response to our last-but-n request, filled in. */
function filledIn(network: VirtualNetwork, text: string): string {
  const response = /^RESPONSE (\d+) (\d+)$/.exec(text);
  if (response === null) {
    const tags = network.sent.flatMap(
      ({ text: sent }) => /^To: .*;tag=([0-9a-f]{16})/m.exec(sent)?.[1] ?? [],
    );
    return text.replaceAll('OURS', tags.at(-1) ?? 'none');
  }
  const [, status, which] = response;
  const requests = network.sent.filter(
    ({ text: sent }) => !sent.startsWith('SIP/2.0') && sent.includes('\r\nVia'),
  );
  const request = requests.at(-1 - Number(which))?.text ?? '';
  const copied = request.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq|Contact):/.test(line));
  return [`SIP/2.0 ${status} Fuzz`, ...copied, 'Content-Length: 0', '', ''].join('\r\n');
}

function take({ network, ours }: ReturnType<typeof open>, step: Step): void {
  const bytes = bytesOf(filledIn(network, step.text)).slice(0, MAX_MESSAGE_BYTES);
  if (step.stream) {
    const up = { connection: 1_001, transport: 'tcp', local: ECHO_ADDRESS, remote: PHONE_ADDRESS } as const;
    network.feed(ours, { type: 'connected', ...up });
    for (const chunk of [bytes.slice(0, step.cut), bytes.slice(step.cut)]) {
      network.feed(ours, { type: 'stream', connection: 1_001, bytes: chunk });
    }
  } else network.feed(ours, { type: 'datagram', remote: { ...PHONE_ADDRESS, port: step.port }, bytes });
  if (step.act === 'sample') ours.sample();
  else if (step.act === 'unreachable') {
    network.feed(ours, { type: 'unreachable', remote: PHONE_ADDRESS, error: 'ICMP' });
  } else if (step.act === 'call') {
    ours.act({ type: 'call', to: 'sip:f@192.0.2.20', audio: { address: '192.0.2.10', port: 40_000 } });
  } else if (step.act !== 'none') ours.act({ type: step.act });
  network.run(step.waitMs);
}

/** Everything that was sent is one message that we could read, with a Contact that can be called. */
function expectReadable(network: VirtualNetwork): void {
  for (const { text } of network.sent) {
    if (text === '\r\n') continue;
    const parsed = parseMessage(bytesOf(text));
    if (!parsed.ok) throw new Error(`we sent what cannot be read: ${parsed.error.code} in ${text}`);
    const malformed = /^SIP\/2\.0 (?:400|413|414|505|513) /.test(text);
    // The answer to a broken request repeats what was broken.
    if (malformed) continue;
    const core = readCoreHeaders(parsed.value);
    if (!core.ok) throw new Error(`we sent a message without a right core: ${core.error.code} in ${text}`);
    if (field(parsed.value, 'Contact') !== undefined && !parseTargetContact(parsed.value).ok) {
      throw new Error(`we sent a Contact that cannot be read in ${text}`);
    }
    const [frame, ...more] = new StreamFramer().push(bytesOf(text));
    if (frame?.type !== 'message' || more.length > 0)
      throw new Error(`we sent more than one message: ${text}`);
  }
}

test('no datagram, chunk, report or action throws, what we send is readable, and all of it ends', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const scene = open();
      for (const step of taken) take(scene, step);
      expect(scene.ours.endpoint.alive.calls).toBeLessThanOrEqual(3 + taken.length);
      expectReadable(scene.network);
      scene.ours.act({ type: 'stop', reason: 'enough' });
      expect(leftovers(scene.network, scene.ours)).toEqual([]);
      expect(scene.ours.stopped).toBe('enough');
    }),
    // A run is four or five inputs.
    fuzz(4.5),
  );
}, 600_000);

test('inputs about what is not there are no mistake: streams, slots, names, calls', () => {
  const { network, ours } = open();
  const inputs: Input[] = [
    { type: 'stream', connection: 77, bytes: bytesOf('OPTIONS') },
    { type: 'disconnected', connection: 77 },
    { type: 'resolved', transport: 'udp', host: 'never.asked', addresses: ['192.0.2.1'] },
    { type: 'resolved', transport: 'udp', host: '192.0.2.1', addresses: [] },
    { type: 'media', report: { type: 'latched', slot: 99, address: '192.0.2.1', port: 1 } },
    { type: 'media', report: { type: 'dtmf', slot: 99, digit: '1', durationMs: 1 } },
    { type: 'media', report: { type: 'ports', ports: [] } },
    { type: 'media', report: { type: 'port-mapped', port: 9, mapped: { address: '192.0.2.1', port: 1 } } },
    {
      type: 'datagram',
      remote: PHONE_ADDRESS,
      bytes: writeStun({ class: 'success', transactionId: '0'.repeat(24) }),
    },
    { type: 'unreachable', remote: PHONE_ADDRESS, error: 'x' },
    { type: 'action', action: { type: 'hangup', call: 'call-nobody-001' } },
    { type: 'action', action: { type: 'remove-account', account: 'sip:nobody@nowhere' } },
    { type: 'sample' },
    { type: 'time' },
  ];
  for (const input of inputs) network.feed(ours, input);
  expect(leftovers(network, ours)).toEqual([]);
});

test('a stranger’s connections are bounded, and each that is one too many is closed at once', () => {
  const { network, ours } = open();
  for (let index = 0; index < MAX_CONNECTIONS + 50; index++) {
    const up = {
      connection: 2 * index + 1,
      transport: 'tcp',
      local: ECHO_ADDRESS,
      remote: PHONE_ADDRESS,
    } as const;
    network.feed(ours, { type: 'connected', ...up });
  }
  expect(ours.endpoint.alive.connections).toBe(MAX_CONNECTIONS);
  // Idle, they are closed by us.
  expect(leftovers(network, ours)).toEqual([]);
});

test('INVITEs without end are refused at --max-calls, and their transactions end', () => {
  const { network, ours } = open();
  for (let index = 0; index < 400; index++) {
    const body = offerText();
    const rest = `Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const text = dialogue('INVITE', index, 1, '', rest).replace('Call-ID: fuzz', `Call-ID: ${index}`);
    network.feed(ours, { type: 'datagram', remote: PHONE_ADDRESS, bytes: bytesOf(text) });
  }
  expect(ours.endpoint.alive.calls).toBe(3);
  network.run(120_000);
  expect(ours.endpoint.alive).toEqual({ calls: 0, transactions: 0, connections: 0 });
  expect(ours.media.open.size).toBe(0);
});
