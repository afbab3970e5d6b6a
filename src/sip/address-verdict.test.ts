/** Which addresses in a session description are worth a word (RFC 8866 §5.7, RFC 1918, RFC 3927). */
import { expect, test } from 'bun:test';
import { offerText } from '../io/virtual-caller.ts';
import { type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import { addressVerdict } from './address-verdict.ts';

const rows: readonly [address: string, peer: string, code: string | undefined][] = [
  ['192.0.2.20', '192.0.2.20', undefined],
  ['192.0.2.21', '192.0.2.20', undefined],
  ['192.168.1.5', '192.168.7.9', undefined],
  ['192.168.1.5', '10.0.0.1', undefined],
  ['127.0.0.1', '127.0.0.2', undefined],
  ['192.168.1.5', '127.0.0.1', undefined],
  ['169.254.3.4', '169.254.9.9', undefined],
  ['fe80::1', 'fe80::2%eth0', undefined],
  ['192.168.1.5', '198.51.100.7', 'media-address-private'],
  ['172.16.0.1', '198.51.100.7', 'media-address-private'],
  ['172.32.0.1', '198.51.100.7', undefined],
  ['10.1.2.3', '198.51.100.7', 'media-address-private'],
  ['100.64.0.9', '198.51.100.7', 'media-address-private'],
  ['100.128.0.9', '198.51.100.7', undefined],
  ['fd00::1', '2001:db8::7', 'media-address-private'],
  ['0.0.0.0', '198.51.100.7', 'media-address-unspecified'],
  ['::', '2001:db8::7', 'media-address-unspecified'],
  ['127.0.0.1', '198.51.100.7', 'media-address-loopback'],
  ['::1', '2001:db8::7', 'media-address-loopback'],
  ['169.254.3.4', '192.168.1.5', 'media-address-link-local'],
  ['224.0.0.5', '198.51.100.7', 'media-address-group'],
  ['255.255.255.255', '198.51.100.7', 'media-address-group'],
  ['ff02::1', '2001:db8::7', 'media-address-group'],
  ['phone.example.org', '198.51.100.7', 'media-address-name'],
];
for (const [address, peer, code] of rows) {
  test(`${address} from ${peer}: ${code ?? 'nothing to say'}`, () => {
    expect(addressVerdict({ address, peer, familyKnown: true, mayHold: false })?.code).toBe(code);
  });
}

test('0.0.0.0 that may mean hold is no fault (RFC 3264 §8.4)', () => {
  const of = { address: '0.0.0.0', peer: '198.51.100.7', familyKnown: true, mayHold: true };
  expect(addressVerdict(of)).toBeUndefined();
});

const verdicts = ({ network, echo }: EchoScene) =>
  network.eventsOf(echo, 'diagnosis.raised').map(({ code, severity }) => `${severity} ${code}`);

test('an offer to the echo with a suspicious address is told of, once a call', () => {
  const scene = echoScene();
  const call = scene.caller();
  call.invite(offerText({ address: '192.168.1.5' }));
  scene.network.run(100);
  call.ack();
  scene.network.run(100);
  expect(verdicts(scene)).toEqual(['info media-address-private']);
  call.invite(offerText({ address: '10.1.1.1' }));
  scene.network.run(100);
  call.ack();
  scene.network.run(100);
  expect(verdicts(scene)).toHaveLength(1);
  call.bye();
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

test('0.0.0.0 in the middle of a call is hold, at its start it is worth a word', () => {
  const scene = echoScene({}, [10_000, 10_002]);
  const call = scene.caller();
  call.invite();
  scene.network.run(100);
  call.ack();
  call.invite(offerText({ address: '0.0.0.0' }));
  scene.network.run(100);
  call.ack();
  expect(verdicts(scene)).toEqual([]);
  call.bye();
  const other = scene.caller();
  other.invite(offerText({ address: '0.0.0.0' }));
  scene.network.run(100);
  other.ack();
  expect(verdicts(scene)).toEqual(['warning media-address-unspecified']);
  other.bye();
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

test('an IPv6 address where this machine has none cannot be sent to', () => {
  const scene = echoScene();
  const call = scene.caller();
  call.invite(offerText({ address: '2001:db8::7' }).replaceAll('IP4', 'IP6'));
  scene.network.run(100);
  call.ack();
  expect(verdicts(scene)).toEqual(['warning media-address-family']);
  call.bye();
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});
