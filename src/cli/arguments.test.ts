import { expect, test } from 'bun:test';
import { parseArguments } from './arguments.ts';

const texts = (...argv: string[]) =>
  Object.fromEntries([...parseArguments(argv).flags].map(([name, { text }]) => [name, text]));

test('a value stays a text: a leading zero is part of a user', () => {
  expect(texts('echo', '--user', '0100', '--sip-port=0', '--json')).toEqual({
    user: '0100',
    'sip-port': '0',
    json: 'true',
  });
  expect(texts('echo', '--password=-x=1')).toEqual({ password: '-x=1' });
});

test('-v counts', () => {
  expect(texts('echo', '-v')).toEqual({ verbose: '1' });
  expect(texts('echo', '-vv')).toEqual({ verbose: '2' });
  expect(texts('-v', 'echo', '-v')).toEqual({ verbose: '2' });
  expect(texts('echo', '-vvvv')).toEqual({ verbose: '2' });
});

test('the command is the first word, wherever the flags stand; after -- all is words', () => {
  expect(parseArguments(['--user', '100', 'echo'])).toMatchObject({ command: 'echo', rest: [] });
  expect(parseArguments(['help', '--', '--json'])).toMatchObject({ command: 'help', rest: ['--json'] });
  expect(parseArguments([]).command).toBeUndefined();
});

test('a flag that does not exist, is given twice, or has no value is said so', () => {
  expect(() => parseArguments(['echo', '--usr', '1'])).toThrow(
    'There is no flag --usr. Did you mean --user?',
  );
  expect(() => parseArguments(['echo', '--rtpPort', '1'])).toThrow('--rtp-port. Did you mean --rtp-ports?');
  expect(() => parseArguments(['echo', '-x'])).toThrow('There is no flag -x; see: ringback help echo');
  expect(() => parseArguments(['--zzz'])).toThrow('There is no flag --zzz; see: ringback help');
  expect(() => parseArguments(['echo', '--user', 'a', '--user', 'b'])).toThrow('--user is given 2 times');
  for (const words of [['--user'], ['--user', '--json'], ['--user='], ['--json', '--user']]) {
    expect(() => parseArguments(['echo', ...words])).toThrow('--user needs a value');
  }
  expect(() => parseArguments(['echo', '--no-user'])).toThrow('There is no flag --no-user');
  expect(() => parseArguments(['echo', '--__proto__', 'x'])).toThrow();
});

test('a switch takes no value: --tls-insecure=no is not taken for yes', () => {
  expect(texts('echo', '--tls-insecure=false', '--json=true')).toEqual({
    'tls-insecure': 'false',
    json: 'true',
  });
  for (const word of ['--tls-insecure=no', '--tls-insecure=', '--tls-insecure=0']) {
    expect(() => parseArguments(['echo', word])).toThrow('--tls-insecure takes no value');
  }
  expect(texts('echo', '--password=--json=no')).toEqual({ password: '--json=no' });
  expect(parseArguments(['echo', '--', '--json=no']).rest).toEqual(['--json=no']);
});
