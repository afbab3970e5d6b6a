import { expect, test } from 'bun:test';
import { parseConfig, readConfigFile } from './config-file.ts';

const GOOD = `# lab
transport = "udp"
expires = 120
rtp-ports = "12000-12100"

[[account]]
user = 100
server = "pbx.example.org"

[[account]]
user = "101"
password = "s3cret"
server = "[::1]:5080"
`;

test('settings and accounts are read with the line of each', () => {
  const { settings, accounts } = parseConfig('ringback.toml', GOOD);
  expect(settings.get('expires')).toEqual({
    text: '120',
    source: { kind: 'config-file', file: 'ringback.toml', line: 3 },
  });
  expect(accounts.map(({ line }) => line)).toEqual([6, 10]);
  expect(accounts[0]?.given.get('user')).toEqual({
    text: '100',
    source: { kind: 'config-file', file: 'ringback.toml', line: 7 },
  });
  expect(accounts[1]?.given.get('server')?.source).toMatchObject({ line: 13 });
});

const WRONG: readonly [string, string, string][] = [
  ['a = 1\nb = = 2\n', 'line 2', 'Expected'],
  ['expires = 1\nexpires = 2\n', 'line 2', 'redefine'],
  ['expires = 1\nusr = "x"\n', 'line 2', 'Did you mean user?'],
  ['[[account]]\nuser = "1"\nrtp-ports = "1-2"\n', 'line 3', 'in an [[account]]'],
  ['[[account]]\nuser = "1"\n[[account]]\nusr = "1"\n', 'line 4', 'Did you mean user?'],
  ['account = 5\n', 'line 1', '[[account]]'],
  ['expires = [1]\n', 'line 1', 'expected a text'],
  ['json = true\n', 'line 1', 'no setting json'],
  ['[section]\nuser = "1"\n', 'line 1', 'no setting section'],
];

test('what is wrong in a file is named with its line', () => {
  for (const [text, where, what] of WRONG) {
    let said = '';
    try {
      parseConfig('ringback.toml', text);
    } catch (error) {
      said = String(error);
    }
    expect([text, said]).toEqual([text, expect.stringContaining(`ringback.toml ${where}: `)]);
    expect([text, said]).toEqual([text, expect.stringContaining(what)]);
  }
});

test('a file that is not there, and a folder, are said so in words', () => {
  expect(() => readConfigFile('/no/such.toml')).toThrow(
    '--config "/no/such.toml": there is no such file or folder.',
  );
  expect(() => readConfigFile('/')).toThrow('--config "/": it is a folder.');
});
