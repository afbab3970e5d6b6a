import { expect, test } from 'bun:test';
import type { EventOf } from '../events.ts';
import { COMMANDS } from './commands.ts';
import { labDriverOptions } from './driver-options.ts';
import type { FlagName } from './flags.ts';
import { codeOf, readAsked } from './ping.ts';
import { rehearsePing } from './ping-rehearsal.ts';
import { UsageError } from './usage-error.ts';

function asked(rest: string[], flags: Partial<Record<FlagName, string>> = {}, variables = {}) {
  const given = Object.entries(flags).map(
    ([name, text]) => [name as FlagName, { text, source: { kind: 'flag' } as const }] as const,
  );
  return readAsked({
    rest,
    flags: new Map(given),
    takes: COMMANDS.ping?.flags ?? [],
    variables,
    folder: '/nowhere',
    print: () => {},
  });
}

test('one ping of 5 s, unless it is told otherwise', () => {
  expect(asked(['sip:pbx.example.org'])).toMatchObject({
    to: 'sip:pbx.example.org',
    count: 1,
    intervalMs: 1_000,
    timeoutMs: 5_000,
  });
  expect(asked(['bob@[2001:db8::1]:5080'], { count: '0', interval: '0.25', timeout: '2' })).toMatchObject({
    to: 'sip:bob@[2001:db8::1]:5080',
    count: 0,
    intervalMs: 250,
    timeoutMs: 2_000,
  });
});

test('the transport is that of the URI, else the one that is asked for', () => {
  expect(asked(['192.0.2.1'], { transport: 'tcp' }).to).toBe('sip:192.0.2.1;transport=tcp');
  expect(asked(['sip:192.0.2.1;transport=udp'], { transport: 'tcp' }).to).toBe('sip:192.0.2.1;transport=udp');
});

test('--port is that of the target, unless a server stands beside it', () => {
  expect(asked(['pbx.example.org'], { port: '5080' }).to).toBe('sip:pbx.example.org:5080');
  expect(asked(['sip:bob@[2001:db8::1];transport=tcp'], { port: '5080' }).to).toBe(
    'sip:bob@[2001:db8::1]:5080;transport=tcp',
  );
  expect(() => asked(['192.0.2.1:5070'], { port: '5080' })).toThrow('leave one out');
  expect(asked(['192.0.2.1:5070'], {}, { SIP_PORT: '5080' }).to).toBe('sip:192.0.2.1:5070');
  const there = { SIP_SERVER: 'pbx.example.org', SIP_PORT: '5090' };
  expect(asked(['192.0.2.1'], {}, there).to).toBe('sip:192.0.2.1');
  expect(asked(['192.0.2.1'], { port: '5080' }, there).to).toBe('sip:192.0.2.1:5080');
});

test('without a target the server of the account is asked', () => {
  const variables = { SIP_USER: '100', SIP_SERVER: 'sip:pbx.example.org:5070', SIP_PASSWORD: 'secret' };
  expect(asked([], {}, variables).to).toBe('sip:pbx.example.org:5070;transport=udp');
  expect(() => asked([])).toThrow(/needs a target/);
});

test("a password in the environment that is nobody's is no business of a ping", () => {
  const { options, to } = asked(
    ['sip:192.0.2.1'],
    {},
    { SIP_PASSWORD: 'secret', SIP_SERVER: 'pbx.example.org' },
  );
  expect(to).toBe('sip:192.0.2.1');
  expect(options.accounts).toEqual([]);
  expect(() => asked(['sip:192.0.2.1'], { password: 'secret' })).toThrow('whose is it?');
});

test('an account without a server is one of the target, and never the other way round', () => {
  const { options } = asked(['sip:192.0.2.1:5080;transport=tcp'], { user: '100', password: 'secret' });
  expect(options.accounts).toMatchObject([
    { addressOfRecord: 'sip:100@192.0.2.1', server: { host: '192.0.2.1', port: 5_080, transport: 'tcp' } },
  ]);
  const elsewhere = asked(
    ['sip:192.0.2.1'],
    { user: '100' },
    { SIP_SERVER: 'pbx.example.org', SIP_PASSWORD: 'secret' },
  );
  expect(elsewhere.options.accounts).toMatchObject([{ server: { host: 'pbx.example.org' } }]);
});

test('what cannot be asked is said before anything is sent', () => {
  expect(() => asked(['sip:a', 'sip:b'])).toThrow(UsageError);
  for (const word of ['no way', 'mailto:a', 'tel:+49', 'sip:a:99999', '']) {
    expect(() => asked([word])).toThrow(/expected a target/);
  }
  expect(() => asked(['sip:a'], { interval: '0.01' })).toThrow(/--interval/);
});

test('the rehearsal asks and is answered, in memory', () => {
  const { endpoint } = labDriverOptions(asked(['sip:a']).options, () => {});
  expect(rehearsePing(endpoint)).toBe(30);
});

test('2xx is 0; a refusal, a challenge, silence and no way there are codes of their own', () => {
  const code = (about: Partial<EventOf<'ping.answered'>>) =>
    codeOf({ type: 'ping.answered', to: 'sip:a', ...about });
  expect(code({ status: 200 })).toBe(0);
  expect(code({ status: 202 })).toBe(0);
  expect(code({ status: 302 })).toBe(4);
  expect(code({ status: 404 })).toBe(4);
  expect(code({ status: 401, failure: 'authentication' })).toBe(3);
  expect(code({ failure: 'no-answer' })).toBe(5);
  expect(code({ failure: 'network' })).toBe(6);
});
