import { expect, test } from 'bun:test';
import { NO_BODY, type SipRequest, value } from './message.ts';
import { noteSource, viaRport } from './rport.ts';
import {
  parseVia,
  serializeVia,
  type Via,
  viaMaddr,
  viaReceived,
  viaTtl,
  withMendedVia,
  withTopVia,
} from './via.ts';

function via(text: string): Via {
  const parsed = parseVia(text);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

function code(text: string): string {
  const parsed = parseVia(text);
  return parsed.ok ? 'ok' : parsed.error.code;
}

test('a Via has a transport, a sent-by and a branch (§20.42)', () => {
  const read = via('SIP/2.0/udp erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7');
  expect(read.transport).toBe('UDP');
  expect(read.host).toBe('erlang.bell-telephone.com');
  expect(read.port).toBe(5060);
  expect(read.branch).toBe('z9hG4bK87asdks7');
});

test('white space may stand around every slash, colon, semicolon and equals sign (§20.42)', () => {
  const read = via(
    'SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch = z9hG4bKa7c6a8dlze.1',
  );
  expect([read.transport, read.host, read.port, read.branch]).toEqual([
    'UDP',
    'first.example.com',
    4000,
    'z9hG4bKa7c6a8dlze.1',
  ]);
  expect([viaTtl(read), viaMaddr(read)]).toEqual([16, '224.2.0.1']);
});

test('an IPv6 sent-by and received are held without brackets (RFC 5118 §4.5)', () => {
  const bare = via('SIP/2.0/UDP [2001:db8::9:1]:6050;received=2001:db8::9:255;branch=z9hG4bKas3-111');
  expect([bare.host, bare.port, viaReceived(bare)]).toEqual(['2001:db8::9:1', 6050, '2001:db8::9:255']);
  expect(viaReceived(via('SIP/2.0/UDP a;received=[2001:db8::9:255]'))).toBe('2001:db8::9:255');
});

test('rport asks without a value and answers with one (RFC 3581 §3)', () => {
  expect(viaRport(via('SIP/2.0/UDP a;rport'))).toBe('asked');
  expect(viaRport(via('SIP/2.0/UDP a;rport=9988'))).toBe(9988);
  expect(viaRport(via('SIP/2.0/UDP a'))).toBeUndefined();
  expect(viaRport(via('SIP/2.0/UDP a;rport=70000'))).toBeUndefined();
});

test('what is no Via of SIP/2.0 is refused', () => {
  for (const bad of [
    '',
    'SIP/2.0/UDP',
    'SIP/2.0 a',
    'SIP/2.0/ a',
    'SIP/7.0/UDP a',
    'HTTP/2.0/UDP a',
    'SIP/2.0/UDPa',
  ]) {
    expect([bad, code(bad)]).toEqual([bad, 'via-malformed']);
  }
  expect(code('SIP/2.0/UDP ;branch=z9hG4bK1')).toBe('host-malformed');
  expect(code('SIP/2.0/UDP a:0')).toBe('port-malformed');
  expect(code('SIP/2.0/UDP 192.0.2.15;;,;,,')).toBe('parameter-malformed');
  expect(code('SIP/2.0/UDP a;branch=1;branch=2')).toBe('parameter-duplicated');
});

test('a Via is written as it was read, spaces aside', () => {
  const text = 'SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bKx;rport;alias;i=3';
  expect(serializeVia(via(text))).toBe(text);
});

test('received is noted when the request came from elsewhere (§18.2.1)', () => {
  const read = via('SIP/2.0/UDP 10.1.1.7:5062;branch=z9hG4bK1');
  expect(serializeVia(noteSource(read, { address: '198.51.100.7', port: 34112 }))).toBe(
    'SIP/2.0/UDP 10.1.1.7:5062;branch=z9hG4bK1;received=198.51.100.7',
  );
  expect(noteSource(read, { address: '10.1.1.7', port: 34112 })).toBe(read);
});

test('a host name in sent-by is always given a received (§18.2.1)', () => {
  const noted = noteSource(via('SIP/2.0/TCP pc33.example.org'), { address: '192.0.2.4', port: 1 });
  expect(viaReceived(noted)).toBe('192.0.2.4');
});

test('rport that asked gets the port, and received even when it is the same (RFC 3581 §4)', () => {
  const noted = noteSource(via('SIP/2.0/UDP 10.1.1.7;rport;branch=z9hG4bK1'), {
    address: '10.1.1.7',
    port: 5070,
  });
  expect(serializeVia(noted)).toBe('SIP/2.0/UDP 10.1.1.7;rport=5070;branch=z9hG4bK1;received=10.1.1.7');
});

test('a received and an rport that the client wrote itself are not believed', () => {
  const lied = via('SIP/2.0/UDP 10.1.1.7;received=203.0.113.1;rport=1');
  const noted = noteSource(lied, { address: '10.1.1.7', port: 5070 });
  expect([viaReceived(noted), viaRport(noted)]).toEqual(['10.1.1.7', 5070]);
  const plain = noteSource(via('SIP/2.0/UDP 10.1.1.7;received=203.0.113.1'), {
    address: '10.1.1.7',
    port: 5070,
  });
  expect(viaReceived(plain)).toBeUndefined();
});

test('only the top Via of a request is replaced, also when its field holds several', () => {
  const headers = [
    { name: 'From', value: 'x', offset: 1 },
    { name: 'Via', value: 'SIP/2.0/UDP a;rport, SIP/2.0/UDP b', offset: 2 },
    { name: 'Via', value: 'SIP/2.0/UDP c', offset: 3 },
  ];
  const request: SipRequest = { kind: 'request', method: 'BYE', uri: 'sip:a', headers, body: NO_BODY };
  const changed = withTopVia(
    request,
    noteSource(via('SIP/2.0/UDP a;rport'), { address: '192.0.2.1', port: 9 }),
  );
  expect(changed.headers.map((header) => header.value)).toEqual([
    'x',
    'SIP/2.0/UDP a;rport=9;received=192.0.2.1, SIP/2.0/UDP b',
    'SIP/2.0/UDP c',
  ]);
  expect(value(request, 'Via')).toBe('SIP/2.0/UDP a;rport, SIP/2.0/UDP b');
});

test('a malformed top Via is mended as far as an answer needs it (RFC 4475 §3.1.2.1, §3.1.2.16)', () => {
  const mended = (top: string) => {
    const headers = [{ name: 'Via', value: top, offset: 1 }];
    const known = withMendedVia({ kind: 'request', method: 'BYE', uri: 'sip:a', headers, body: NO_BODY });
    return known && value(known.request, 'Via');
  };
  expect(mended('SIP/2.0/UDP 192.0.2.5;;,;,,')).toBe('SIP/2.0/UDP 192.0.2.5');
  expect(mended('SIP/7.0/UDP a:5070;rport;branch=z9hG4bK1')).toBe('SIP/2.0/UDP a:5070;rport;branch=z9hG4bK1');
  expect(mended('SIP/2.0/UDP [2001:db8::1];branch=1;branch=2')).toBe('SIP/2.0/UDP [2001:db8::1]');
  expect(mended('SIP/2.0/UDP')).toBeUndefined();
  expect(mended('HTTP/1.1 example.org')).toBeUndefined();
  expect(mended('SIP/2.0/UDP a:0;x')).toBeUndefined();
});
