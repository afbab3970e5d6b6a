/** A range of RTP ports that somebody else has: said before the first call, and to the call that needs one. */
import { expect, test } from 'bun:test';
import { VirtualNetwork } from '../io/virtual.ts';
import { ECHO_ADDRESS, endpointConfig } from '../io/virtual-scene.ts';

const TAKEN = {
  type: 'ports-exhausted',
  detail: 'RTP ports 30000 to 30003: bind EADDRINUSE 127.0.0.1',
} as const;

function open(ports: readonly number[] = []) {
  const network = new VirtualNetwork();
  const ours = network.addEndpoint('ua', ECHO_ADDRESS, endpointConfig(ECHO_ADDRESS), ports);
  network.feed(ours, { type: 'media', report: TAKEN });
  return { network, ours, said: () => network.eventsOf(ours, 'diagnosis.raised') };
}

test('a service that can have no port says so at once, and what to do', () => {
  const [said, ...more] = open().said();
  expect(more).toEqual([]);
  expect(said).toMatchObject({ code: 'rtp-ports-taken', severity: 'error', evidence: TAKEN.detail });
  expect(said?.next).toContain('--rtp-ports');
});

test('a call that can have none is told why', () => {
  const { network, ours, said } = open();
  ours.act({ type: 'call', to: 'sip:bob@192.0.2.20' });
  const over = network.eventsOf(ours, 'call.changed').at(-1);
  expect(over).toMatchObject({ to: 'terminated', outcome: 'unreachable' });
  expect(said().at(-1)).toMatchObject({ code: 'rtp-ports-taken', call: over?.call });
});

test('ports that calls use up are no fault of the machine', () => {
  expect(open([20_000]).said()).toEqual([]);
});
