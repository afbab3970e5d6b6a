import { describe, expect, test } from 'bun:test';
import { hasWildcardFor, sipDomains, speaksFor } from './domain-identity.ts';
import type { AlternativeName } from './tls.ts';

/** `DNS:a URI:sip:b IP:c` */
function showing(names: string, commonName?: string) {
  const alternatives = names
    .split(' ')
    .filter((one) => one !== '')
    .map((one): AlternativeName => {
      const [kind = ''] = one.split(':');
      return { kind: kind as AlternativeName['kind'], value: one.slice(kind.length + 1) };
    });
  const has = names === '' ? {} : { alternatives };
  return { ...has, ...(commonName === undefined ? {} : { commonName }) };
}

describe('which domains a certificate speaks for (RFC 5922 §7.1)', () => {
  test('a sip: URI without a user is a domain, and then DNS names are none', () => {
    expect(sipDomains(showing('DNS:www.example.org URI:sip:Example.org'))).toEqual(['example.org']);
    expect(speaksFor(showing('DNS:www.example.org URI:sip:example.org'), 'www.example.org')).toBe(false);
  });

  test('a URI with a user, a sips: URI and any other scheme are none, and DNS names count', () => {
    const names =
      'URI:sip:alice@example.org URI:sips:example.com URI:https://example.net DNS:pbx.example.org';
    expect(sipDomains(showing(names))).toEqual(['pbx.example.org']);
  });

  test('the common name counts only where there is no subjectAltName', () => {
    expect(speaksFor(showing('', 'example.org'), 'example.org')).toBe(true);
    expect(speaksFor(showing('DNS:other.org', 'example.org'), 'example.org')).toBe(false);
    expect(speaksFor(showing('URI:https://other.org', 'example.org'), 'example.org')).toBe(false);
    expect(sipDomains(showing('', 'Example PBX'))).toEqual([]);
  });

  test('an empty subjectAltName is one: the common name does not count', () => {
    expect(speaksFor({ alternatives: [], commonName: 'example.org' }, 'example.org')).toBe(false);
  });
});

describe('whether it is the one that is wanted (RFC 5922 §7.2)', () => {
  test('letters of either case are alike, and a dot at the end is nothing', () => {
    expect(speaksFor(showing('DNS:PBX.Example.ORG'), 'pbx.example.org.')).toBe(true);
  });

  test('the whole name or nothing: no wildcard, no leading dot, no parent, no child', () => {
    for (const name of ['*.example.org', '.example.org', 'example.org', 'a.pbx.example.org']) {
      expect(speaksFor(showing(`DNS:${name}`), 'pbx.example.org')).toBe(false);
    }
    expect(speaksFor(showing('DNS:*.example.org'), '*.example.org')).toBe(false);
  });

  test('a wildcard that would do elsewhere is noticed, for the diagnosis', () => {
    expect(hasWildcardFor(showing('DNS:*.example.org'), 'pbx.example.org')).toBe(true);
    expect(hasWildcardFor(showing('DNS:*.example.org'), 'a.pbx.example.org')).toBe(false);
    expect(hasWildcardFor(showing('DNS:pbx.example.org'), 'sip.example.org')).toBe(false);
  });

  test('a numeric address is shown by an iPAddress in any spelling, never by a DNS name that is longer', () => {
    expect(speaksFor(showing('IP:192.0.2.1'), '192.0.2.1')).toBe(true);
    expect(speaksFor(showing('IP:2001:DB8:0:0:0:0:0:1'), '2001:db8::1')).toBe(true);
    expect(speaksFor(showing('IP:192.0.2.1'), '192.0.2.2')).toBe(false);
    expect(speaksFor(showing('IP:192.0.2.1 DNS:example.org'), 'pbx.example.org')).toBe(false);
    expect(speaksFor(showing('URI:sip:192.0.2.1'), '192.0.2.1')).toBe(true);
  });
});
