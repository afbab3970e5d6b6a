import { expect, test } from 'bun:test';
import type { MediaDescription, SessionDescription } from './sdp.ts';
import { parseSdp } from './sdp.ts';
import {
  attribute,
  directionOf,
  formatParameters,
  packetTimeMs,
  reachable,
  rtcpAttribute,
  rtpMaps,
} from './sdp-attributes.ts';

function withAttributes(media: string[], session: string[] = []): [SessionDescription, MediaDescription] {
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 192.0.2.1',
    'c=IN IP4 192.0.2.1',
    ...session.map((text) => `a=${text}`),
    'm=audio 4000 RTP/AVP 0',
    ...media.map((text) => `a=${text}`),
  ];
  const result = parseSdp(lines.join('\r\n'));
  if (!result.ok || !result.value.media[0]) throw new Error('fixture');
  return [result.value, result.value.media[0]];
}

test('the media direction counts before the session direction, and sendrecv is the default (RFC 3264 §6.1)', () => {
  expect(directionOf(...withAttributes([]))).toBe('sendrecv');
  expect(directionOf(...withAttributes([], ['inactive']))).toBe('inactive');
  expect(directionOf(...withAttributes(['recvonly'], ['inactive']))).toBe('recvonly');
  expect(directionOf(...withAttributes(['SendOnly']))).toBe('sendonly');
});

test('rtpmap gives name, clock rate and channels, the first of a number counts (RFC 8866 §6.6)', () => {
  const [, media] = withAttributes([
    'rtpmap:111 opus/48000/2',
    'RTPMAP: 0  pcmu/8000',
    'rtpmap:111 PCMA/8000',
    'rtpmap:128 GSM/8000',
    'rtpmap:97 iLBC',
    'rtpmap:98 X/0',
  ]);
  expect([...rtpMaps(media)]).toEqual([
    [111, { name: 'opus', clockRate: 48000, parameters: '2' }],
    [0, { name: 'pcmu', clockRate: 8000 }],
  ]);
});

test('fmtp keeps everything behind the payload type (RFC 8866 §6.15)', () => {
  const [, media] = withAttributes([
    'fmtp:101 0-15,16',
    'fmtp:18 annexb=no; x = y',
    'fmtp:oops',
    'fmtp:300 a',
  ]);
  expect([...formatParameters(media)]).toEqual([
    [101, '0-15,16'],
    [18, 'annexb=no; x = y'],
  ]);
});

test('ptime is a number of milliseconds from 1 to 1000, anything else counts as absent (RFC 8866 §6.4)', () => {
  const read = (text: string) => packetTimeMs(withAttributes([`ptime:${text}`])[1], 'ptime');
  expect(['20', ' 30 ', '2.5', '0', '1001', 'x', '', '-20'].map(read)).toEqual([
    20,
    30,
    2.5,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('a=rtcp gives a port and perhaps an address (RFC 3605 §2.1)', () => {
  const read = (text: string) => rtcpAttribute(withAttributes([text])[1]);
  expect(read('rtcp:53020')).toEqual({ port: 53020 });
  expect(read('rtcp:53020 IN IP4 198.51.100.9')).toEqual({ port: 53020, address: '198.51.100.9' });
  expect(read('rtcp:53020 IN IP6 2001:db8::9')).toEqual({ port: 53020, address: '2001:db8::9' });
  for (const bad of ['rtcp', 'rtcp:0', 'rtcp:70000', 'rtcp:1 IN IP4 0.0.0.0', 'rtcp:1 IN IP4 host.example'])
    expect(read(bad)).toBeUndefined();
});

test('an attribute without a value is present and empty', () => {
  const [, media] = withAttributes(['rtcp-mux']);
  expect(attribute(media.attributes, 'rtcp-mux')).toBe('');
  expect(attribute(media.attributes, 'rtcp')).toBeUndefined();
});

test('packets are sent to one numeric address alone: not to a group, not to nowhere, not to a name', () => {
  const addresses = ['192.0.2.1', '2001:db8::1', '0.0.0.0', '::', '239.1.2.3', 'ff02::1', 'host.example'];
  expect(addresses.filter(reachable)).toEqual(['192.0.2.1', '2001:db8::1']);
});
