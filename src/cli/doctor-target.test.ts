/** Whom `ringback doctor` is told to look at. */
import { expect, test } from 'bun:test';
import { COMMANDS } from './commands.ts';
import { readTarget } from './doctor-target.ts';
import { hopsToTry, pingUri } from './doctor-ways.ts';
import type { FlagName } from './flags.ts';
import { UsageError } from './usage-error.ts';

function target(rest: string[], flags: Partial<Record<FlagName, string>> = {}, variables = {}) {
  const given = Object.entries(flags).map(
    ([name, text]) => [name as FlagName, { text, source: { kind: 'flag' } as const }] as const,
  );
  const takes = COMMANDS.doctor?.flags ?? [];
  return readTarget({ rest, flags: new Map(given), takes, variables, folder: '/nowhere', print: () => {} });
}

test('a server needs no account; a password of somebody else in the environment is none of its business', () => {
  const variables = { SIP_PASSWORD: 'secret' };
  for (const found of [
    target(['pbx.example.org'], {}, variables),
    target([], { server: 'pbx.example.org' }),
  ]) {
    expect(found.target).toEqual({
      hop: { host: 'pbx.example.org', port: 5060, transport: 'udp', open: 'transport' },
      name: 'pbx.example.org',
    });
    expect(found.options.accounts).toEqual([]);
  }
  expect(target([], {}, variables).target).toBeUndefined();
  expect(target([], {}, { SIP_SERVER: '192.0.2.1:5070' }).target?.name).toBe('192.0.2.1:5070');
});

test('with a user the credentials are tried at its server, by way of the proxy when there is one', () => {
  const account = { user: '100', password: 'secret', domain: 'lab.local' };
  const { target: found } = target(['192.0.2.1'], { ...account, transport: 'tcp' });
  expect(found).toMatchObject({
    hop: { host: '192.0.2.1', port: 5060, transport: 'tcp' },
    account: { addressOfRecord: 'sip:100@lab.local', password: 'secret' },
  });
  // What it finds of TLS is what --transport tls would find (RFC 5922 §7.3).
  expect(found?.hop.domain).toBe('lab.local');
  expect(target(['pbx.example.org'], account).target?.hop.domain).toBeUndefined();
  const proxied = target(['192.0.2.1'], { ...account, proxy: 'proxy.example.org:5080' }).target;
  expect(proxied).toMatchObject({
    hop: { host: 'proxy.example.org', port: 5080 },
    name: 'proxy.example.org:5080',
  });
});

test('one server, named once', () => {
  expect(() => target(['a.example', 'b.example'])).toThrow(UsageError);
  expect(() => target(['a.example'], { server: 'b.example' })).toThrow(UsageError);
  expect(() => target(['not a host'])).toThrow(UsageError);
});

test('the addresses that DNS gives are tried in their order, then the same over the other transports', () => {
  const hop = { host: 'pbx.example', port: 5060, transport: 'udp', open: 'transport' } as const;
  const [one, two] = ['192.0.2.1', '192.0.2.2'].map(
    (address, index) => ({ transport: 'udp', address, port: 5070 + index }) as const,
  );
  if (one === undefined || two === undefined) throw new Error('two');
  expect(hopsToTry(hop, [two, one])).toEqual([
    two,
    one,
    { transport: 'tcp', address: '192.0.2.2', port: 5060 },
    { transport: 'tcp', address: '192.0.2.1', port: 5060 },
    // With the name that its certificate has to show (RFC 5922 §7).
    { transport: 'tls', address: '192.0.2.2', port: 5061, domain: 'pbx.example' },
    { transport: 'tls', address: '192.0.2.1', port: 5061, domain: 'pbx.example' },
  ]);
  // A port that was given is that of both; TLS has one of its own.
  const { open: _open, ...fixed } = { ...hop, port: 5070 };
  expect(hopsToTry(fixed, [one])).toEqual([
    one,
    { ...one, transport: 'tcp' },
    { transport: 'tls', address: '192.0.2.1', port: 5061, domain: 'pbx.example' },
  ]);
  const secure = { ...one, transport: 'tls', port: 5061 } as const;
  expect(hopsToTry({ ...fixed, transport: 'tls' }, [secure]).map(({ port }) => port)).toEqual([
    5061, 5060, 5060,
  ]);
  expect(pingUri(fixed, 'tcp')).toBe('sip:pbx.example:5070;transport=tcp');
  expect(pingUri(hop, 'udp')).toBe('sip:pbx.example');
});
