/** What a URI may carry in which place (RFC 3261 §19.1.1, Table 1). */
import { expect, test } from 'bun:test';
import { asAddress, asRequestUri } from './uri-places.ts';

const LINK = 'sip:bob@192.0.2.20:5070;transport=tcp;user=phone;method=BYE;x=1?Subject=hello&Priority=urgent';

test('a Request-URI has neither headers nor method', () => {
  expect(asRequestUri(LINK)).toBe('sip:bob@192.0.2.20:5070;transport=tcp;user=phone;x=1');
});

test('a To has no port and nothing of the way there', () => {
  expect(asAddress(LINK)).toBe('sip:bob@192.0.2.20;user=phone');
  expect(asAddress('sip:bob@[2001:db8::1]:5070;maddr=192.0.2.1')).toBe('sip:bob@[2001:db8::1]');
});

test('what is no SIP URI has no such place', () => {
  for (const text of ['tel:+4930123', 'sip:', 'bob'])
    expect(asRequestUri(text) ?? asAddress(text)).toBeUndefined();
});
