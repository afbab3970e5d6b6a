/** Instance ids (RFC 5626 §4.1, RFC 9562 §5.8). */
import { expect, test } from 'bun:test';
import { instanceUrn } from './instance-id.ts';

test('an instance id is a UUID of version 8, the same for the same machine and account (RFC 5626 §4.1)', () => {
  const one = instanceUrn('machine', 'sip:100@lab.local');
  expect(one).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(instanceUrn('machine', 'sip:100@lab.local')).toBe(one);
  expect(instanceUrn('machine', 'sip:101@lab.local')).not.toBe(one);
  expect(instanceUrn('another', 'sip:100@lab.local')).not.toBe(one);
});
