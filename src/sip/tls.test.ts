/** TLS through a whole endpoint, on the virtual network: which connection is used, and who is told what of it. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { accountOf, endpointConfig, REGISTRAR_ADDRESS } from '../io/virtual-scene.ts';
import { virtualTls } from '../io/virtual-tls.ts';
import type { Account, EndpointConfig } from './endpoint-config.ts';
import type { TlsFault } from './tls.ts';

const HERE = { address: '192.0.2.10', port: 5060 };
const THERE = { address: '192.0.2.20', port: 5060 };

let network: VirtualNetwork;
let proxy: VirtualEndpoint;

beforeEach(() => {
  network = new VirtualNetwork();
  const users = ['100', '101'].map((user) => ({ user, password: 'secret' }));
  proxy = network.addEndpoint(
    'proxy',
    REGISTRAR_ADDRESS,
    endpointConfig(REGISTRAR_ADDRESS, { registrar: { domain: 'lab.local', users } }),
  );
  network.names.set('lab.local', [REGISTRAR_ADDRESS.address]);
});

/** A phone whose server is the proxy, by its name and over TLS. */
function phone(
  name: string,
  at: typeof HERE,
  account: Partial<Account>,
  about: Partial<EndpointConfig> = {},
): VirtualEndpoint {
  const server = { host: 'lab.local', port: 5061, transport: 'tls' } as const;
  const accounts = [accountOf(name, { server, ...account })];
  const node = network.addEndpoint(
    name,
    at,
    endpointConfig(at, { accounts, echo: true, ...about }),
    [10_000, 10_002],
  );
  node.act({ type: 'register' });
  return node;
}

const secure = (user: string) => ({ addressOfRecord: `sips:${user}@lab.local` });
const sentBy = (name: string) => network.sent.filter(({ from }) => from === name);
const contactIn = (text: string) => /^Contact: (.*)\r$/m.exec(text)?.[1];
const statesOf = (node: VirtualEndpoint) =>
  network.eventsOf(node, 'registration.changed').map(({ to }) => to);

describe('a registration over TLS', () => {
  test('goes out when the certificate was found good, and all of it on one connection', () => {
    network.listenTls(proxy, virtualTls(['lab.local']));
    const ours = phone('100', HERE, {});
    network.run(1_000);
    expect(statesOf(ours).at(-1)).toBe('registered');
    const [secured, ...more] = network.eventsOf(ours, 'connection.secured');
    expect(more).toEqual([]);
    expect(secured).toMatchObject({
      account: 'sip:100@lab.local',
      direction: 'outgoing',
      remote: '192.0.2.1:5061',
      protocol: 'TLSv1.3',
      verified: 'lab.local',
      serial: '01',
    });
    expect(contactIn(sentBy('100')[0]?.text ?? '')).toStartWith('<sip:100@192.0.2.10:5060;transport=tls>');
    expect(sentBy('100')[0]?.text).toContain('Via: SIP/2.0/TLS 192.0.2.10:5060;');
  });

  test('sips: has a sips: Contact and Request-URI (§8.1.1.8, §10.2.1)', () => {
    network.listenTls(proxy, virtualTls(['lab.local']));
    const ours = phone('100', HERE, secure('100'));
    network.run(1_000);
    expect(statesOf(ours).at(-1)).toBe('registered');
    const [register] = sentBy('100');
    expect(register?.text).toStartWith('REGISTER sips:lab.local SIP/2.0\r\n');
    expect(contactIn(register?.text ?? '')).toStartWith('<sips:100@192.0.2.10:5060>');
  });

  test('that the server closes soon after it answered is not called a port where nobody listens', () => {
    network.listenTls(proxy, virtualTls(['lab.local']));
    const ours = phone('100', HERE, {});
    network.run(1_000);
    network.breakStreams(proxy);
    const said = network.eventsOf(ours, 'diagnosis.raised');
    expect(said.map(({ code }) => code)).toEqual(['registrar-unreachable']);
    expect(said[0]?.evidence).toBe('REGISTER to lab.local, 192.0.2.1:5061 over TLS: connection reset');
    expect(said[0]?.cause).toStartWith('the server answered before');
    network.run(10_000);
    expect(statesOf(ours).at(-1)).toBe('registered');
  });

  test('whose certificate turns bad after another failure is told of that too, once', () => {
    network.listenTls(proxy, virtualTls(['lab.local']));
    const ours = phone('100', HERE, {});
    network.run(1_000);
    network.listenTls(proxy, virtualTls(['lab.local'], { fault: 'unknown-issuer' }));
    network.breakStreams(proxy);
    network.run(20_000);
    const said = network.eventsOf(ours, 'diagnosis.raised').map(({ code }) => code);
    expect(said).toEqual(['registrar-unreachable', 'tls-unknown-issuer']);
  });

  test('answers that outlive their connection go over one for the same name (RFC 5922 §7, RFC 3261 §18.2.2)', () => {
    network.listenTls(proxy, virtualTls(['lab.local']));
    const ours = phone('100', HERE, {}, { ringDelayMs: 0, answerDelayMs: 3_000 });
    const other = phone('101', THERE, {});
    network.run(1_000);
    other.act({ type: 'call', to: 'sip:100@lab.local' });
    network.run(1_000);
    network.breakStreams(ours);
    network.run(5_000);
    const names = network.eventsOf(ours, 'connection.secured').map(({ verified }) => verified);
    expect(new Set(names)).toEqual(new Set(['lab.local']));
    expect(network.eventsOf(ours, 'diagnosis.raised').filter(({ code }) => code.startsWith('tls-'))).toEqual(
      [],
    );
  });

  test('with a certificate for another name nothing is sent, and the account is told why, once', () => {
    network.listenTls(proxy, virtualTls(['other.example']));
    const ours = phone('100', HERE, {});
    network.run(10_000);
    expect(sentBy('100')).toEqual([]);
    expect(network.eventsOf(ours, 'sip.sent')).toEqual([]);
    expect(statesOf(ours).filter((state) => state === 'retrying').length).toBeGreaterThan(1);
    const said = network.eventsOf(ours, 'diagnosis.raised');
    expect(said.map(({ code, account }) => `${code} ${account}`)).toEqual([
      'tls-wrong-name sip:100@lab.local',
    ]);
    expect(said[0]?.evidence).toContain('asked for lab.local: certificate CN=other.example by CN=Virtual CA');
    const [retrying] = network.eventsOf(ours, 'registration.changed').filter(({ to }) => to === 'retrying');
    expect(retrying?.reason).toBe('TLS: the certificate is not for lab.local');
  });
});

test('a wrong name in the certificate of a proxy is said of --proxy, of a URI that was called of neither', () => {
  network.names.set('edge.local', [REGISTRAR_ADDRESS.address]);
  network.listenTls(proxy, virtualTls(['other.example']));
  const edge = { host: 'edge.local', port: 5061, transport: 'tls' } as const;
  const ours = phone('100', HERE, { proxy: edge });
  network.run(1_000);
  ours.act({ type: 'call', to: 'sips:101@lab.local' });
  network.run(1_000);
  const next = 'use a name of the certificate as --proxy, or give the proxy one for edge.local';
  expect(network.eventsOf(ours, 'diagnosis.raised').map((one) => one.next)).toEqual([next, next]);
  const anonymous = network.addEndpoint('anonymous', THERE, endpointConfig(THERE), [10_000]);
  anonymous.act({ type: 'call', to: 'sips:101@lab.local:5061' });
  network.run(1_000);
  expect(network.eventsOf(anonymous, 'diagnosis.raised')[0]?.next).toBe(
    'reach it by a name of the certificate, or give the server one for lab.local',
  );
});

describe('a call over TLS', () => {
  test('whose server fails by its certificate goes to the next one (RFC 3263 §4.3)', () => {
    network.names.set('lab.local', [REGISTRAR_ADDRESS.address, THERE.address]);
    network.listenTls(proxy, virtualTls(['lab.local'], { fault: 'certificate-expired' }));
    const other = network.addEndpoint(
      'other',
      THERE,
      endpointConfig(THERE, { echo: true }),
      [10_000, 10_002],
    );
    network.listenTls(other, virtualTls(['lab.local']));
    const ours = network.addEndpoint('ours', HERE, endpointConfig(HERE), [10_000, 10_002]);
    ours.act({ type: 'call', to: 'sips:echo@lab.local:5061' });
    network.run(1_000);
    expect(network.eventsOf(ours, 'diagnosis.raised').map(({ code }) => code)).toContain(
      'tls-certificate-expired',
    );
    expect(network.eventsOf(ours, 'call.changed').at(-1)?.to).toBe('established');
    expect(sentBy('other').every(({ transport }) => transport === 'tls')).toBe(true);
  });

  test('nobody else is left: it ends as unreachable, with the cause', () => {
    const ours = network.addEndpoint('ours', HERE, endpointConfig(HERE), [10_000, 10_002]);
    ours.act({ type: 'call', to: 'sip:echo@192.0.2.1;transport=tls' });
    network.run(1_000);
    expect(network.eventsOf(ours, 'call.changed').at(-1)).toMatchObject({
      to: 'terminated',
      outcome: 'unreachable',
      reason: expect.stringContaining('connection refused'),
    });
    // At the port of plain SIP somebody listens, who does not know what a handshake is.
    ours.act({ type: 'call', to: 'sip:echo@192.0.2.1:5060;transport=tls' });
    network.run(1_000);
    const call = network.eventsOf(ours, 'call.changed').at(-1);
    expect(call).toMatchObject({ outcome: 'unreachable', reason: 'TLS: 192.0.2.1 does not speak TLS there' });
    expect(network.eventsOf(ours, 'diagnosis.raised').at(-1)).toMatchObject({
      code: 'tls-not-spoken',
      call: call?.call,
    });
  });

  test('to a sips: user stays sips: and on TLS from end to end (§26.2.2, §16.6 step 4)', () => {
    network.listenTls(proxy, virtualTls(['lab.local']));
    const ours = phone('100', HERE, secure('100'));
    const theirs = phone('101', THERE, secure('101'));
    network.run(1_000);
    ours.act({ type: 'call', to: 'sips:101@lab.local' });
    network.run(1_000);
    expect(network.eventsOf(ours, 'call.changed').at(-1)?.to).toBe('established');
    const invite = sentBy('proxy').find(({ text }) => text.startsWith('INVITE'));
    expect(invite?.text).toStartWith('INVITE sips:101@192.0.2.20:5060 SIP/2.0\r\n');
    expect(invite?.text).toMatch(/^Record-Route: <sips:[^>]*192\.0\.2\.1:5061;lr;/m);
    expect(contactIn(invite?.text ?? '')).toStartWith('<sips:100@');
    const ok = sentBy('101').find(({ text }) => /^SIP\/2\.0 200 OK[\s\S]*^CSeq: \d+ INVITE/m.test(text));
    expect(contactIn(ok?.text ?? '')).toStartWith('<sips:101@');
    theirs.act({ type: 'hangup-all' });
    network.run(1_000);
    expect(network.eventsOf(ours, 'call.changed').at(-1)?.to).toBe('terminated');
    expect(network.sent.filter(({ transport }) => transport !== 'tls')).toEqual([]);
  });

  test('to sips: of a user who registered sip: alone is refused; the other way round it is one hop (RFC 5630 §5.3)', () => {
    network.listenTls(proxy, virtualTls(['lab.local']));
    const plain = phone('100', HERE, {});
    const secured = phone('101', THERE, secure('101'));
    network.run(1_000);
    secured.act({ type: 'call', to: 'sips:100@lab.local' });
    network.run(1_000);
    expect(network.eventsOf(secured, 'call.changed').at(-1)).toMatchObject({ to: 'terminated', status: 480 });
    expect(network.eventsOf(secured, 'diagnosis.raised').at(-1)).toMatchObject({
      code: 'sips-not-allowed',
      evidence: expect.stringContaining('Warning: 380 192.0.2.1 "SIPS Not Allowed"'),
    });
    plain.act({ type: 'call', to: 'sip:101@lab.local' });
    network.run(1_000);
    expect(network.eventsOf(plain, 'call.changed').at(-1)?.to).toBe('established');
    const invite = sentBy('proxy').findLast(({ text }) => text.startsWith('INVITE'));
    expect(invite?.text).toStartWith('INVITE sip:101@192.0.2.20:5060;transport=tls SIP/2.0\r\n');
  });
});

test('what --tls-insecure lets pass is warned of for each connection', () => {
  const ours = network.addEndpoint('ours', HERE, endpointConfig(HERE));
  const ignored: TlsFault = {
    code: 'self-signed',
    domain: 'lab.local',
    detail: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  };
  const tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', ignored };
  for (const connection of [2, 4]) {
    network.feed(ours, {
      type: 'connected',
      connection,
      transport: 'tls',
      local: HERE,
      remote: { ...REGISTRAR_ADDRESS, port: 5061 },
      tls,
    });
  }
  const said = network.eventsOf(ours, 'diagnosis.raised');
  expect(said.map(({ code, severity }) => `${code} ${severity}`)).toEqual([
    'tls-not-verified warning',
    'tls-not-verified warning',
  ]);
});

test('strangers who do not get in are said as rejections, a bounded number of them', () => {
  const ours = network.addEndpoint('ours', HERE, endpointConfig(HERE));
  const tlsFault: TlsFault = { code: 'protocol-version', detail: 'UNSUPPORTED_PROTOCOL' };
  for (let connection = 1; connection < 1_000; connection += 2) {
    network.feed(ours, { type: 'disconnected', connection, tlsFault, remote: THERE });
  }
  const said = network.eventsOf(ours, 'sip.rejected');
  expect(said.length).toBeLessThan(200);
  expect(said[0]).toMatchObject({
    transport: 'tls',
    remote: '192.0.2.20:5060',
    code: 'tls-protocol-version',
    hint: expect.stringContaining('let it offer one'),
  });
});

test('a phone that does not take our certificate is told of in words for its owner, not for that of a server', () => {
  const ours = network.addEndpoint('ours', HERE, endpointConfig(HERE));
  const tlsFault: TlsFault = { code: 'certificate-not-taken', detail: 'TLSV1_ALERT_UNKNOWN_CA' };
  network.feed(ours, { type: 'disconnected', connection: 1, tlsFault, remote: THERE });
  expect(network.eventsOf(ours, 'sip.rejected')).toMatchObject([
    {
      code: 'tls-certificate-not-taken',
      detail: 'the peer does not take our certificate',
      hint: expect.stringContaining('the issuer of --tls-cert'),
    },
  ]);
});
