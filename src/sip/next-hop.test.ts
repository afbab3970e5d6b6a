import { expect, test } from 'bun:test';
import { hopOf, nextHop, proxyBefore, routeTo } from './next-hop.ts';

test('a URI says where its request goes: host, port, transport (§8.1.2, §19.1.2)', () => {
  expect(nextHop('sip:101@lab.local', 'udp')).toEqual({
    transport: 'udp',
    host: 'lab.local',
    port: 5060,
    open: 'transport',
  });
  expect(nextHop('sip:192.0.2.1:5070', 'tcp')).toEqual({ transport: 'tcp', host: '192.0.2.1', port: 5070 });
  expect(nextHop('sip:[2001:db8::1]', 'udp')).toEqual({ transport: 'udp', host: '2001:db8::1', port: 5060 });
});

test('the transport it names goes before ours, in any case; one that we do not speak does not', () => {
  expect(nextHop('sip:lab.local;transport=TCP', 'udp')?.transport).toBe('tcp');
  expect(nextHop('sip:lab.local;transport=udp', 'tcp')?.transport).toBe('udp');
  expect(nextHop('sip:lab.local;transport=sctp', 'tcp')?.transport).toBe('tcp');
});

test('TLS has its own port, and sips is TLS whatever else it says (§19.1.2, §26.2.2)', () => {
  expect(nextHop('sip:lab.local;transport=tls', 'udp')).toEqual({
    transport: 'tls',
    host: 'lab.local',
    port: 5061,
    open: 'port',
  });
  expect(nextHop('sips:lab.local;transport=tcp', 'udp')).toEqual({
    transport: 'tls',
    host: 'lab.local',
    port: 5061,
    open: 'port',
  });
  expect(nextHop('sips:lab.local:5071', 'udp')?.port).toBe(5071);
});

test('maddr is where it goes instead of the host (§19.1.1), IPv6 without brackets', () => {
  expect(nextHop('sip:lab.local;maddr=192.0.2.7', 'udp')?.host).toBe('192.0.2.7');
  expect(nextHop('sip:lab.local;maddr=[2001:db8::7]', 'udp')?.host).toBe('2001:db8::7');
});

test.each([
  // The URI; ours is UDP.              transport  host         port  left to DNS   UDP by its name
  ['sip:192.0.2.1', 'udp 192.0.2.1 5060 nothing'],
  ['sip:192.0.2.1:5062', 'udp 192.0.2.1 5062 nothing'],
  ['sip:192.0.2.1:5062;transport=udp', 'udp 192.0.2.1 5062 nothing explicit'],
  ['sip:192.0.2.1;transport=tcp', 'tcp 192.0.2.1 5060 nothing'],
  ['sip:192.0.2.1;transport=tls', 'tls 192.0.2.1 5061 nothing'],
  ['sip:[2001:db8::1]:5062;transport=tls', 'tls 2001:db8::1 5062 nothing'],
  ['sips:192.0.2.1', 'tls 192.0.2.1 5061 nothing'],
  ['sips:192.0.2.1:5062', 'tls 192.0.2.1 5062 nothing'],
  ['sip:lab.local', 'udp lab.local 5060 transport'],
  ['sip:lab.local:5060', 'udp lab.local 5060 nothing'],
  ['sip:lab.local:5062;transport=tcp', 'tcp lab.local 5062 nothing'],
  ['sip:lab.local;transport=udp', 'udp lab.local 5060 port explicit'],
  ['sips:lab.local;transport=udp', 'tls lab.local 5061 port'],
  ['sip:lab.local;maddr=192.0.2.7', 'udp 192.0.2.7 5060 nothing'],
  ['sip:192.0.2.1:5062;maddr=192.0.2.7', 'udp 192.0.2.7 5062 nothing'],
  ['sip:192.0.2.1;maddr=[2001:db8::7];transport=tcp', 'tcp 2001:db8::7 5060 nothing'],
  ['sip:192.0.2.1;maddr=pbx.local', 'udp pbx.local 5060 transport'],
  ['sip:lab.local:5062;maddr=pbx.local', 'udp pbx.local 5062 nothing'],
  ['sips:lab.local;maddr=192.0.2.7', 'tls 192.0.2.7 5061 nothing'],
])('%s leads to %s (RFC 3263 §4, RFC 3261 §19.1.1)', (uri, said) => {
  const hop = nextHop(uri, 'udp');
  const { transport, host, port, open = 'nothing', explicit } = hop ?? {};
  expect([transport, host, port, open, ...(explicit ? ['explicit'] : [])].join(' ')).toBe(said);
});

test('a proxy stands in Route with what was said of it, and loose (§16.12.1)', () => {
  const route = (uri: string) => routeTo(nextHop(uri, 'udp') ?? { transport: 'udp', host: '', port: 0 });
  expect(route('sip:192.0.2.1')).toBe('<sip:192.0.2.1:5060;lr>');
  expect(route('sip:[2001:db8::1];transport=tcp')).toBe('<sip:[2001:db8::1]:5060;transport=tcp;lr>');
  expect(route('sip:proxy.lab')).toBe('<sip:proxy.lab;lr>');
  expect(route('sip:proxy.lab;transport=tcp')).toBe('<sip:proxy.lab;transport=tcp;lr>');
  expect(route('sip:proxy.lab:5070')).toBe('<sip:proxy.lab:5070;lr>');
});

test('DNS may say what the URI does not: transport and port, or the port alone (RFC 3263 §4.1, §4.2)', () => {
  const open = (uri: string) => nextHop(uri, 'udp')?.open;
  expect(open('sip:lab.local')).toBe('transport');
  expect(open('sip:lab.local;transport=sctp')).toBe('transport');
  expect(open('sip:lab.local;transport=udp')).toBe('port');
  expect(open('sip:192.0.2.1;maddr=pbx.local')).toBe('transport');
  for (const closed of [
    'sip:lab.local:5060',
    'sip:192.0.2.1',
    'sip:[::1]',
    'sip:lab.local;maddr=192.0.2.7',
  ]) {
    expect(open(closed)).toBeUndefined();
  }
});

test('a proxy that says no transport is reached as the account is, over TLS or not at all', () => {
  const before = (transport: 'udp' | 'tcp' | 'tls' | undefined, proxy: { transport?: 'udp' }) => {
    const server = hopOf({ host: 'pbx.lab', ...(transport === undefined ? {} : { transport }) }, 'tcp');
    const { transport: over, open } = proxyBefore(server, { host: 'edge.lab', ...proxy });
    return `${over} ${open}`;
  };
  expect(before('tls', {})).toBe('tls port');
  expect(before('udp', {})).toBe('udp port');
  expect(before('tcp', {})).toBe('tcp port');
  // Nobody asked: DNS says, and the default where it does not.
  expect(before(undefined, {})).toBe('tcp transport');
  expect(before('tls', { transport: 'udp' })).toBe('udp port');
  expect(proxyBefore(undefined, { host: 'edge.lab' })).toEqual(hopOf({ host: 'edge.lab' }, 'udp'));
});

test('what is no SIP URI leads nowhere', () => {
  for (const uri of ['tel:+15551234', 'http://lab.local', 'lab.local', 'sip:', '']) {
    expect(nextHop(uri, 'udp')).toBeUndefined();
  }
});
