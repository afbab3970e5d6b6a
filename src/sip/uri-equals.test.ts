import { describe, expect, test } from 'bun:test';
import { parseUri, type Uri } from './uri.ts';
import { uriEquals } from './uri-equals.ts';

function uri(text: string): Uri {
  const parsed = parseUri(text);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

const EQUAL: readonly (readonly [string, string])[] = [
  ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
  [
    'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
    'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
  ],
  [
    'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
  ],
  ['sip:a%2fb@c', 'sip:a%2Fb@c'],
  ['tel:+1', 'TEL:+1'],
];

const DIFFERENT: readonly (readonly [string, string])[] = [
  ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
  ['sip:bob@biloxi.com;transport=tcp', 'sip:bob@biloxi.com;transport=udp'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
  ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
  ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
  ['sip:a@b', 'sips:a@b'],
  ['sip:a@b', 'sip:b'],
  ['sip:a:p@b', 'sip:a@b'],
  ['sip:a@b;user=phone', 'sip:a@b'],
  ['sip:a@b;ttl=1', 'sip:a@b'],
  ['sip:a@b;method=BYE', 'sip:a@b'],
  ['sip:a@b;maddr=192.0.2.1', 'sip:a@b'],
  ['sip:a%2Fb@c', 'sip:a/b@c'],
  ['tel:1', 'sip:1'],
];

describe('two URIs mean the same (§19.1.4)', () => {
  test.each(EQUAL)('%s = %s', (a, b) => {
    expect(uriEquals(uri(a), uri(b))).toBe(true);
    expect(uriEquals(uri(b), uri(a))).toBe(true);
  });
});

describe('two URIs do not mean the same (§19.1.4)', () => {
  test.each(DIFFERENT)('%s ≠ %s', (a, b) => {
    expect(uriEquals(uri(a), uri(b))).toBe(false);
    expect(uriEquals(uri(b), uri(a))).toBe(false);
  });
});
