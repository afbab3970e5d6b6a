/** The machine changes its network: accounts and calls follow (RFC 3261 §10.2.2, §12.2, §14.1; RFC 3264 §8). */
import { afterEach, describe, expect, test } from 'bun:test';
import type { VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { offerText, VirtualCaller } from '../io/virtual-caller.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  type EchoScene,
  echoScene,
  leftovers,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import type { Flow, SocketAddress } from './flow.ts';
import { fields, type SipRequest, value } from './message.ts';

const NEW = '10.20.0.4';
const OLD = ECHO_ADDRESS.address;

let scene: EchoScene;
let network: VirtualNetwork;
let echo: VirtualEndpoint;
let phone: VirtualPeer;

const TAKEN = {
  status: 200,
  headers: [
    ['Contact', '<sip:anna@192.0.2.20:5060>'],
    ['Content-Type', 'application/sdp'],
  ] as const,
  body: offerText(),
};

function open(about: Partial<EndpointConfig> = {}, ports: readonly number[] = [10_000, 10_002]): void {
  scene = echoScene({ mediaTimeoutMs: 0, ...about }, ports);
  ({ network, echo, phone } = scene);
  phone.answering = ({ method }) =>
    method === 'BYE' ? { status: 200 } : method === 'INVITE' ? TAKEN : undefined;
}

/** A call from the phone that stands. */
function standing(): VirtualCaller {
  const call = scene.caller();
  call.invite();
  network.run(50);
  call.ack();
  network.run(50);
  return call;
}

/** The machine has that address now, or none. */
function moveTo(address: string | undefined): void {
  const defaultAddresses = address === undefined ? {} : { ipv4: address };
  const interfaces = address === undefined ? [] : [{ address, prefixLength: 24 }];
  network.feed(echo, { type: 'addresses', defaultAddresses, interfaces });
}

const reinvites = () => phone.requests('INVITE');
const contactsOf = (message: SipRequest) => fields(message, 'Contact').map((field) => field.value);
const said = (message: SipRequest) => {
  const body = message.body;
  return {
    contact: value(message, 'Contact'),
    address: /c=IN IP4 (\S+)/.exec(body)?.[1],
    version: BigInt(/o=\S+ \d+ (\d+)/.exec(body)?.[1] ?? '0'),
  };
};
const diagnoses = () => network.eventsOf(echo, 'diagnosis.raised').map(({ code }) => code);

afterEach(() => {
  echo.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, echo)).toEqual([]);
});

describe('a call that stands', () => {
  test('is told the new Contact and the new address of its audio, one version later', () => {
    open();
    const call = standing();
    const before = BigInt(/o=\S+ \d+ (\d+)/.exec(call.answer())?.[1] ?? '0');
    moveTo(NEW);
    network.run(1_000);
    const [first] = reinvites();
    if (first === undefined) throw new Error('no re-INVITE came');
    expect(said(first.message)).toEqual({
      contact: `<sip:echo@${NEW}:5060>`,
      address: NEW,
      version: before + 1n,
    });
    expect(value(first.message, 'Via')).toContain(` ${NEW}:5060`);
    expect(phone.requests('ACK')).toHaveLength(1);
    expect(network.eventsOf(echo, 'media.started').at(-1)).toMatchObject({ localAddress: NEW });
    expect(network.eventsOf(echo, 'address.discovered')).toMatchObject([
      { address: NEW, learnedBy: 'route' },
    ]);
    network.run(60_000);
    expect(reinvites()).toHaveLength(1);
    expect(diagnoses()).toEqual([]);
  });

  test('is not told what it knows: another interface came, and the way to the peer is the same', () => {
    open();
    standing();
    const interfaces = [{ address: NEW, prefixLength: 24 }];
    network.feed(echo, { type: 'addresses', defaultAddresses: { ipv4: OLD }, interfaces });
    network.run(5_000);
    expect(reinvites()).toEqual([]);
  });

  test('hears of it after its own re-INVITE is over (§14.1), and not when that has told it', () => {
    open();
    const call = standing();
    call.invite();
    network.run(50);
    moveTo(NEW);
    network.run(2_000);
    // The 200 went out before the move, and is not acknowledged yet.
    expect(reinvites()).toEqual([]);
    call.ack();
    network.run(2_000);
    expect(reinvites()).toHaveLength(1);
    moveTo(OLD);
    call.invite();
    network.run(100);
    call.ack();
    network.run(10_000);
    expect(call.answer()).toContain(OLD);
    expect(reinvites()).toHaveLength(1);
  });

  test('491 lets it wait and ask again (§14.1); what is refused is told of, and the call goes on', () => {
    open();
    standing();
    const answers = [{ status: 491 }, { status: 488 }];
    phone.answering = ({ method }) => (method === 'INVITE' ? answers.shift() : { status: 200 });
    moveTo(NEW);
    network.run(6_000);
    expect(reinvites()).toHaveLength(2);
    const versions = reinvites().map(({ message }) => said(message).version);
    expect(versions[1]).toBe((versions[0] ?? 0n) + 1n);
    expect(diagnoses()).toEqual(['call-not-moved']);
    expect(network.eventsOf(echo, 'call.changed').at(-1)?.to).toBe('established');
    network.run(60_000);
    expect(reinvites()).toHaveLength(2);
  });

  test('a peer that does not answer any more ends it as any re-INVITE does (§12.2.1.2)', () => {
    open();
    standing();
    phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
    moveTo(NEW);
    network.run(40_000);
    expect(network.eventsOf(echo, 'call.changed').at(-1)).toMatchObject({
      to: 'terminated',
      reason: 'the re-INVITE with our new address was not answered',
    });
  });

  test('waits while there is no network, and says nothing when the same one comes back', () => {
    open();
    standing();
    moveTo(undefined);
    network.run(10_000);
    expect(reinvites()).toEqual([]);
    moveTo(OLD);
    network.run(10_000);
    expect(reinvites()).toEqual([]);
    moveTo(NEW);
    network.run(1_000);
    expect(reinvites()).toHaveLength(1);
  });

  const ringing = () => {
    open();
    phone.answering = ({ method }) =>
      method === 'INVITE' ? { status: 180, toTag: 'callee' } : { status: 200 };
    echo.act({ type: 'call', to: 'sip:anna@192.0.2.20' });
    network.run(500);
  };

  test('that still rings is told once it is answered, while the old address can be answered to', () => {
    ringing();
    const interfaces = [OLD, NEW].map((address) => ({ address, prefixLength: 32 }));
    network.feed(echo, { type: 'addresses', defaultAddresses: { ipv4: NEW }, interfaces });
    network.run(5_000);
    const [invite, ...early] = reinvites();
    expect(early).toEqual([]);
    phone.answering = ({ method }) => (method === 'INVITE' ? TAKEN : { status: 200 });
    phone.respond(invite ?? never(), 200, { ...TAKEN, toTag: 'callee' });
    network.run(2_000);
    expect(reinvites()).toHaveLength(2);
    expect(said(reinvites()[1]?.message ?? never())).toMatchObject({ address: NEW });
    expect(value(reinvites()[1]?.message ?? never(), 'CSeq')).toBe('2 INVITE');
  });

  test('that still rings when the address is gone that it would be answered to is taken back, and ends', () => {
    ringing();
    moveTo(NEW);
    network.run(200);
    expect(phone.requests('CANCEL')).toHaveLength(1);
    expect(network.eventsOf(echo, 'call.changed').at(-1)).toMatchObject({
      to: 'terminated',
      reason: 'our address has changed',
      outcome: 'unreachable',
    });
  });

  test('that rings here was promised an answer before: it is told after that', () => {
    open({ answerDelayMs: 2_000 });
    const call = scene.caller();
    call.invite();
    network.run(500);
    moveTo(NEW);
    network.run(2_000);
    call.ack();
    network.run(5_000);
    expect(value(call.finalResponse() ?? never(), 'Contact')).toContain(NEW);
    expect(reinvites().map(({ message }) => said(message).address)).toEqual([NEW]);
  });

  test('a link that flaps moves it once in five seconds at most', () => {
    open();
    standing();
    for (let times = 0; times < 20; times++) {
      moveTo(times % 2 === 0 ? NEW : OLD);
      network.run(1_000);
    }
    expect(reinvites().length).toBeLessThanOrEqual(5);
    network.run(10_000);
    const last = reinvites().at(-1);
    expect(last === undefined ? undefined : said(last.message).address).toBe(OLD);
  });
});

test('fifty calls are told one after the other, twenty a second, each once', () => {
  const ports = Array.from({ length: 50 }, (_, at) => 10_000 + 2 * at);
  open({ maxCalls: 50 }, ports);
  for (let times = 0; times < 50; times++) standing();
  const startMs = network.nowMs;
  moveTo(NEW);
  network.run(4_000);
  const times = reinvites().map(({ atMs }) => atMs - startMs);
  expect(times).toHaveLength(50);
  expect(times.filter((atMs) => atMs < 1_500).length).toBeLessThanOrEqual(20);
  expect(Math.max(...times)).toBeLessThan(3_500);
});

describe('an account', () => {
  let registrar: VirtualPeer;

  function register(transport: 'udp' | 'tcp', forMs = 20_000): void {
    const server = { host: REGISTRAR_ADDRESS.address, port: REGISTRAR_ADDRESS.port, transport };
    open({ accounts: [accountOf('echo', { server })] });
    registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
    registrar.answering = () => ({ status: 200 });
    echo.act({ type: 'register' });
    network.run(forMs);
  }

  const bound = () => registrar.requests('REGISTER').map(({ message }) => contactsOf(message));

  test('is registered again at once, and its old binding removed in the same REGISTER (§10.2.2)', () => {
    register('udp');
    moveTo(NEW);
    network.run(100);
    expect(bound()).toEqual([
      [`<sip:echo@${OLD}:5060>`],
      [`<sip:echo@${NEW}:5060>`, `<sip:echo@${OLD}:5060>;expires=0`],
    ]);
    network.run(30_000);
    expect(bound()).toHaveLength(2);
  });

  test('gets a new connection when its own begins at an address that is gone (RFC 5626 §4.4.1)', () => {
    register('tcp');
    expect(registrar.streams).toHaveLength(1);
    const [before] = registrar.streams;
    moveTo(NEW);
    network.run(500);
    expect(registrar.streams).toHaveLength(1);
    expect(registrar.streams[0]).not.toBe(before);
    expect(bound().at(-1)).toEqual([
      `<sip:echo@${NEW}:5060;transport=tcp>`,
      `<sip:echo@${OLD}:5060;transport=tcp>;expires=0`,
    ]);
  });

  test('that has just been registered is so again at once, and its server is not said to be away', () => {
    register('tcp', 1_000);
    moveTo(NEW);
    network.run(100);
    expect(bound().at(-1)?.[0]).toContain(NEW);
    expect(network.eventsOf(echo, 'registration.changed').at(-1)?.to).toBe('registered');
    expect(diagnoses()).toEqual([]);
  });

  test('whose connection is cut has its calls told by way of the new one: a server reaches us by no other', () => {
    register('tcp');
    registrar.answering = ({ method }) => (method === 'INVITE' ? TAKEN : { status: 200 });
    const [before = 0] = registrar.streams;
    const flow = { transport: 'tcp', remote: ECHO_ADDRESS, connection: before } as const;
    const call = standingAt(registrar, flow);
    registrar.disconnect(flow);
    network.run(5_000);
    const told = registrar.requests('INVITE');
    expect(told).toHaveLength(1);
    expect(told[0]?.flow.connection).toBe(registrar.streams[0] ?? 0);
    expect(told[0]?.flow.connection).not.toBe(before);
    call.to = told[0]?.flow ?? flow;
    network.run(60_000);
    expect(registrar.requests('INVITE')).toHaveLength(1);
    call.bye();
    network.run(50);
    expect(call.statuses('BYE')).toEqual([200]);
  });

  test('keeps its connection through a gap, and is registered again when the network is back', () => {
    register('tcp');
    const [before] = registrar.streams;
    moveTo(undefined);
    moveTo(undefined);
    network.run(10_000);
    expect(bound()).toHaveLength(1);
    expect(diagnoses()).toEqual(['registrar-cut-off']);
    moveTo(OLD);
    network.run(500);
    expect(registrar.streams).toEqual([before ?? 0]);
    expect(bound()).toHaveLength(2);
    expect(bound()[1]).toEqual([`<sip:echo@${OLD}:5060;transport=tcp>`]);
  });

  test('of a server with a name is registered at its other family when one is gone', () => {
    open({ defaultAddresses: { ipv4: OLD, ipv6: '2001:db8::10' } });
    const server = { host: 'pbx.example', port: 5060, transport: 'udp' } as const;
    network.names.set(server.host, ['2001:db8::1', REGISTRAR_ADDRESS.address]);
    const [ipv6, ipv4] = [{ address: '2001:db8::1', port: 5060 }, REGISTRAR_ADDRESS].map((at) => {
      const peer = new VirtualPeer(network, at.address, at);
      peer.answering = () => ({ status: 200 });
      return peer;
    });
    echo.act({ type: 'add-account', account: accountOf('echo', { server }) });
    network.run(1_000);
    expect(ipv6?.requests('REGISTER')).toHaveLength(1);
    if (ipv6 !== undefined) ipv6.answering = () => undefined;
    moveTo(OLD);
    network.run(40_000);
    expect(ipv4?.requests('REGISTER').map(({ message }) => contactsOf(message)[0])).toContain(
      `<sip:echo@${OLD}:5060>`,
    );
  });

  test('that waits for its next try is tried at once when a network comes', () => {
    register('udp');
    registrar.answering = () => ({ status: 503 });
    echo.act({ type: 'register' });
    network.run(100);
    const tries = bound().length;
    registrar.answering = () => ({ status: 200 });
    moveTo(NEW);
    network.run(100);
    expect(bound()).toHaveLength(tries + 1);
    expect(network.eventsOf(echo, 'registration.changed').at(-1)?.to).toBe('registered');
  });

  test('that a NAT shows elsewhere at a refresh moves its calls as well (RFC 3581 §4)', () => {
    register('udp');
    // The call comes by way of the registrar, so it is the one that has our mapping.
    registrar.answering = ({ method }) => (method === 'INVITE' ? TAKEN : { status: 200 });
    const call = standingAt(registrar);
    expect(value(call.finalResponse() ?? never(), 'Contact')).toContain(OLD);
    registrar.sees = { address: '203.0.113.5', port: 41_000 };
    echo.act({ type: 'register' });
    network.run(2_000);
    expect(bound().at(-1)?.[0]).toBe('<sip:echo@203.0.113.5:41000>');
    const [reinvite, ...more] = registrar.requests('INVITE');
    expect(more).toEqual([]);
    // The mapping of the SIP port tells nothing about that of the audio.
    expect(said(reinvite?.message ?? never())).toMatchObject({
      contact: '<sip:echo@203.0.113.5:41000>',
      address: OLD,
    });
    call.bye();
    network.run(100);
  });

  function standingAt(peer: VirtualPeer, to: SocketAddress | Flow = ECHO_ADDRESS): VirtualCaller {
    const call = new VirtualCaller(peer, to);
    call.invite();
    network.run(50);
    call.ack();
    network.run(50);
    return call;
  }
});

function never(): never {
  throw new Error('it did not come');
}
