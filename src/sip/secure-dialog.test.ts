/** A dialog that a `sips:` URI set up, on the virtual network: it stays on TLS (RFC 3261 §12.1.1, RFC 5630 §5.1). */
import { beforeEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { endpointConfig } from '../io/virtual-scene.ts';
import { virtualTls } from '../io/virtual-tls.ts';
import { bytesOf } from './text.ts';

const CALLER = { address: '192.0.2.10', port: 5060 };
const CALLEE = { address: '192.0.2.20', port: 5060 };
const STRANGER = { address: '192.0.2.66', port: 5060 };

let network: VirtualNetwork;
let caller: VirtualEndpoint;
let callee: VirtualEndpoint;

/** A call over TLS that stands. The caller has a certificate for its address, where its Contact leads. */
beforeEach(() => {
  network = new VirtualNetwork();
  caller = network.addEndpoint('caller', CALLER, endpointConfig(CALLER), [10_000, 10_002]);
  callee = network.addEndpoint('callee', CALLEE, endpointConfig(CALLEE, { echo: true }), [10_000, 10_002]);
  network.names.set('echo.test', [CALLEE.address]);
  network.listenTls(callee, virtualTls(['echo.test']));
  network.listenTls(caller, virtualTls([CALLER.address]));
});

function establish(scheme: 'sips' | 'sip'): void {
  const transport = scheme === 'sip' ? ';transport=tls' : '';
  caller.act({ type: 'call', to: `${scheme}:echo@echo.test:5061${transport}` });
  network.run(1_000);
  expect(network.eventsOf(callee, 'call.changed').at(-1)?.to).toBe('established');
}

const answers = () => network.sent.filter(({ text }) => /^SIP\/2\.0 2[\s\S]*^CSeq: \d+ INVITE/m.test(text));
const toStranger = () => network.sent.filter(({ to }) => to.includes(STRANGER.address));

/** The bytes of a request of that call for the callee, with a Contact that is reached over UDP. */
function requestOf(method: string, sequence: number, transport: 'UDP' | 'TLS'): Uint8Array {
  const text = answers()[0]?.text ?? '';
  const line = (name: string) => new RegExp(`^${name}: .*\\r\\n`, 'm').exec(text)?.[0] ?? '';
  const head = `${method} sip:echo@192.0.2.20 SIP/2.0\r\nVia: SIP/2.0/${transport} 192.0.2.66;branch=z9hG4bK-${method}-${sequence}\r\n`;
  const rest = `CSeq: ${sequence} ${method}\r\nMax-Forwards: 70\r\nContact: <sip:evil@192.0.2.66;transport=udp>\r\nContent-Length: 0\r\n\r\n`;
  return bytesOf(`${head}${line('From')}${line('To')}${line('Call-ID')}${rest}`);
}

/** One over UDP, from elsewhere. */
function fromElsewhere(method: string, sequence: number): void {
  const bytes = requestOf(method, sequence, 'UDP');
  network.feed(callee, { type: 'datagram', remote: STRANGER, bytes });
}

test('a request of a sips: dialog over UDP gets 480 and moves nothing (RFC 5630 §5.1.2)', () => {
  establish('sips');
  for (const [at, method] of ['INVITE', 'UPDATE', 'OPTIONS', 'BYE'].entries())
    fromElsewhere(method, 1_000 + at);
  const refused = toStranger().map(({ text }) => text);
  expect(refused.map((text) => text.split('\r\n')[0])).toEqual(
    Array(4).fill('SIP/2.0 480 Temporarily Unavailable'),
  );
  for (const text of refused) expect(text).toContain('\r\nWarning: 381 192.0.2.20 "SIPS Required"\r\n');
  const said = network.eventsOf(callee, 'sip.rejected').map(({ code, transport }) => `${code} ${transport}`);
  expect(said).toEqual(Array(4).fill('sips-required udp'));
  callee.act({ type: 'hangup-all' });
  network.run(1_000);
  expect(network.eventsOf(caller, 'call.changed').at(-1)).toMatchObject({ to: 'terminated' });
  expect(network.sent.filter(({ transport, text }) => transport !== 'tls' && text.startsWith('BYE'))).toEqual(
    [],
  );
});

test('an ACK over UDP does not stand for the one that is missing, and moves nothing', () => {
  caller.act({ type: 'call', to: 'sips:echo@echo.test:5061' });
  network.runUntil(() => answers().length > 0);
  const sequence = Number(/^CSeq: (\d+)/m.exec(answers()[0]?.text ?? '')?.[1]);
  fromElsewhere('ACK', sequence);
  expect(network.eventsOf(callee, 'call.changed').at(-1)?.to).toBe('answered');
  expect(network.eventsOf(callee, 'sip.rejected').map(({ code }) => code)).toEqual(['sips-required']);
  network.run(1_000);
  expect(network.eventsOf(callee, 'call.changed').at(-1)?.to).toBe('established');
});

test('a Contact over UDP that comes on the connection itself leads nothing away from TLS (§12.2.1.1)', () => {
  establish('sips');
  // The first connection that a peer opened here.
  network.feed(callee, { type: 'stream', connection: 3, bytes: requestOf('UPDATE', 1_000, 'TLS') });
  callee.act({ type: 'hangup-all' });
  const byes = network.sent.filter(({ text }) => text.startsWith('BYE sip:evil@192.0.2.66;transport=udp'));
  expect(byes.map(({ transport }) => transport)).toEqual(['tls']);
});

test('a sip: dialog over TLS moves to where its peer is heard, as every other does', () => {
  establish('sip');
  fromElsewhere('OPTIONS', 1_000);
  expect(toStranger().map(({ text }) => text.split('\r\n')[0])).toEqual(['SIP/2.0 200 OK']);
});

test('when the connection that the peer opened is gone, a BYE opens one to where its Contact says (RFC 5923 §6)', () => {
  for (const scheme of ['sips', 'sip'] as const) {
    establish(scheme);
    network.breakStreams(callee);
    callee.act({ type: 'hangup-all' });
    network.run(1_000);
    expect(network.eventsOf(caller, 'call.changed').at(-1)).toMatchObject({ to: 'terminated' });
    const secured = network
      .eventsOf(callee, 'connection.secured')
      .filter(({ direction }) => direction === 'outgoing');
    expect(secured.at(-1)).toMatchObject({ verified: CALLER.address });
  }
});
