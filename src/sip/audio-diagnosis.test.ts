/** What is to be done about silence, by who stands behind a NAT (RFC 1918, RFC 4961). */
import { expect, test } from 'bun:test';
import { offerText } from '../io/virtual-caller.ts';
import { echoScene, leftovers } from '../io/virtual-scene.ts';

/** The advice for a call without any audio, of an echo that names the one address and a caller that names the other. */
function advice(ours: string, theirs: string): string {
  const scene = echoScene({ advertiseMediaAddress: ours });
  const call = scene.caller();
  call.invite(offerText({ address: theirs }));
  scene.network.run(100);
  call.ack();
  scene.network.run(6_000);
  scene.echo.sample();
  call.bye();
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
  const said = scene.network.eventsOf(scene.echo, 'diagnosis.raised');
  return said.find(({ code }) => code === 'no-audio-received')?.next ?? '';
}

const OUTSIDE = '198.51.100.7';
const rows: readonly [what: string, ours: string, theirs: string, next: RegExp][] = [
  ['nobody', '192.0.2.10', OUTSIDE, /^see whether the caller sends at all; if it does, check that UDP/],
  ['we', '10.9.0.2', OUTSIDE, /symmetric RTP.*--stun, or --advertise-media-ip$/],
  [
    'the caller',
    '192.0.2.10',
    '192.168.1.5',
    /^the caller is behind a NAT and has sent nothing to 192\.0\.2\.10:/,
  ],
  ['both', '10.9.0.2', '192.168.1.5', /^both sides are behind NATs.*relays audio$/],
];
for (const [what, ours, theirs, next] of rows) {
  test(`silence, and behind a NAT: ${what}`, () => {
    expect(advice(ours, theirs)).toMatch(next);
  });
}
