import { expect, test } from 'bun:test';
import { COMMANDS } from './commands.ts';
import { commandNamed, commandPage, commandsPage, newcomerPage } from './help.ts';

test('no line of a help page is wider than the terminal', () => {
  for (const columns of [50, 80, 200]) {
    const pages = [
      newcomerPage(columns),
      commandsPage(columns),
      ...Object.keys(COMMANDS).map((name) => commandPage(name, columns)),
    ];
    const limit = Math.min(columns, 96);
    // An example is a line to be copied: it is not cut, and fits where most terminals begin.
    const isExample = (line: string) => /^ {2}(ringback|SIP_PASSWORD=)/.test(line);
    const wide = pages
      .join('\n')
      .split('\n')
      .filter((line) => line.length > limit && !(columns < 80 && isExample(line)));
    expect([columns, wide]).toEqual([columns, []]);
  }
});

test('a command that there is not leads to the nearest one, or to the page of all', () => {
  expect(() => commandNamed('ehco')).toThrow('There is no command "ehco". Did you mean ringback echo?');
  expect(() => commandNamed('xyzzy')).toThrow('There is no command "xyzzy"; see: ringback help');
});

test('the page of a newcomer names three commands', () => {
  expect(newcomerPage(80).match(/^ {2}ringback (demo|echo|help) /gm)).toEqual([
    '  ringback demo ',
    '  ringback echo ',
    '  ringback help ',
  ]);
});

test('the page of the echo names each of its flags, with variable and default', () => {
  const page = commandPage('echo', 80);
  for (const name of COMMANDS.echo?.flags ?? []) expect(page).toContain(`--${name}`);
  expect(page).toContain('SIP_PASSWORD');
  expect(page).toContain('default 10000-20000');
});
