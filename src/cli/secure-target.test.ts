/** `sips:` and a transport beside it. */
import { expect, test } from 'bun:test';
import { checkSecure } from './secure-target.ts';

test('sips: beside udp or tcp is a contradiction that nothing is sent for (RFC 3261 §26.2.2)', () => {
  expect(() => checkSecure('sips:192.0.2.1', 'udp')).toThrow('--transport says udp: leave --transport out');
  expect(() => checkSecure('SIPS:bob@192.0.2.1', 'tcp')).toThrow('sip: instead');
  expect(() => checkSecure('sips:192.0.2.1;transport=UDP', undefined)).toThrow('leave ;transport=udp out');
});

test('sips: with tls, or transport=tcp in the URI, or nothing, is none; nor is sip: with anything', () => {
  checkSecure('sips:192.0.2.1', undefined);
  checkSecure('sips:192.0.2.1', 'tls');
  checkSecure('sips:192.0.2.1;transport=tcp', undefined);
  checkSecure('sip:192.0.2.1;transport=udp', 'udp');
  checkSecure('sipster@192.0.2.1', 'udp');
});
