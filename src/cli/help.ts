/**
 * Help: the short page for a newcomer, the list of commands, and the page of each command, all out of the two tables
 * (commands.ts, flags.ts). It fits the terminal that it is read on.
 */
import type { Command } from './command.ts';
import { COMMANDS, EVERYWHERE, isHere } from './commands.ts';
import { didYouMean } from './did-you-mean.ts';
import { type Flag, type FlagName, flag } from './flags.ts';
import type { Invocation } from './invocation.ts';
import { UsageError } from './usage-error.ts';

const WIDEST = 96;
const NARROWEST = 40;

function wrap(text: string, width: number, indent: number): string {
  const rows: string[] = [];
  let row = '';
  for (const word of text.split(' ')) {
    if (row !== '' && row.length + 1 + word.length > width - indent) {
      rows.push(row);
      row = word;
    } else row = row === '' ? word : `${row} ${word}`;
  }
  return [...rows, row].join(`\n${' '.repeat(indent)}`);
}

/** Two columns, or one under the other when the terminal is narrow. */
function entry(left: string, right: string, leftWidth: number, width: number): string {
  if (width - leftWidth < 30) return `  ${left}\n      ${wrap(right, width, 6)}`;
  const gap =
    left.length + 4 > leftWidth ? `\n${' '.repeat(leftWidth)}` : ' '.repeat(leftWidth - left.length - 2);
  return `  ${left}${gap}${wrap(right, width, leftWidth)}`;
}

function usable(columns: number | undefined): number {
  return Math.min(WIDEST, Math.max(NARROWEST, columns ?? 80));
}

/** What `ringback` alone says: the three things a newcomer needs. */
export function newcomerPage(columns: number | undefined): string {
  const width = usable(columns);
  return [
    wrap('ringback: a SIP echo service and a SIP signaling lab in one binary.', width, 0),
    '',
    entry('ringback demo', 'see it work on this machine, nothing to configure', 20, width),
    entry('ringback echo', "answer calls and send the caller's own voice back", 20, width),
    entry(
      'ringback call',
      'call somebody and see every message: ringback call --to sip:user@host',
      20,
      width,
    ),
    entry('ringback help', 'all commands; ringback help echo says more about one', 20, width),
  ].join('\n');
}

/** The list of commands. */
export function commandsPage(columns: number | undefined): string {
  const width = usable(columns);
  const here = Object.entries(COMMANDS).filter(([, command]) => isHere(command) && command.hidden !== true);
  const coming = Object.entries(COMMANDS).filter(([, command]) => !isHere(command));
  return [
    'Usage: ringback COMMAND [FLAGS]',
    '',
    ...here.map(([name, { summary }]) => entry(name, summary, 13, width)),
    '',
    'In later versions:',
    ...coming.map(([name, { summary }]) => entry(name, summary, 13, width)),
    '',
    'Everywhere:',
    ...EVERYWHERE.map((name) => flagEntry(name, width)),
  ].join('\n');
}

function flagEntry(name: FlagName, width: number, command?: Command): string {
  const here: Flag = { ...flag(name), ...command?.wording?.[name] };
  const { short, value, help, otherwise } = here;
  // A flag with words of its own is not the one that the variable is for.
  const variable = command?.wording?.[name] === undefined ? here.variable : undefined;
  const left = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
  const notes = [
    ...(otherwise === undefined ? [] : [`default ${otherwise}`]),
    ...(variable === undefined ? [] : [variable]),
  ];
  return entry(left, notes.length === 0 ? help : `${help} (${notes.join(', ')})`, 30, width);
}

const GROUPS = {
  call: 'Call',
  account: 'Account',
  agent: 'Agent',
  ping: 'Ping',
  network: 'Network',
  calls: 'Calls',
  output: 'Output',
  configuration: 'Configuration',
} as const;

/** The page of one command. Throws a `UsageError` for a command that does not exist. */
export function commandPage(name: string, columns: number | undefined): string {
  const command = commandNamed(name);
  const width = usable(columns);
  const names = [...command.flags, ...EVERYWHERE];
  const groups = (Object.keys(GROUPS) as (keyof typeof GROUPS)[]).flatMap((group) => {
    const members = names.filter((one) => flag(one).group === group);
    return members.length === 0
      ? []
      : ['', GROUPS[group], ...members.map((one) => flagEntry(one, width, command))];
  });
  const capital = `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`;
  const notes = (command.notes ?? []).map((note) => (note.startsWith('  ') ? note : wrap(note, width, 0)));
  const word = command.word === undefined ? '' : ` ${command.word}`;
  const usage = `Usage: ringback ${name}${word}${command.flags.length === 0 ? '' : ' [FLAGS]'}`;
  return [usage, '', wrap(capital, width, 0), ...groups, ...(notes.length === 0 ? [] : ['', ...notes])].join(
    '\n',
  );
}

/** The row of that name. Throws a `UsageError` with the nearest name. */
export function commandNamed(name: string): (typeof COMMANDS)[string] {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return command;
  const hint = didYouMean(name, Object.keys(COMMANDS), 'ringback ');
  const next = hint === '' ? '; see: ringback help' : `.${hint}`;
  throw new UsageError(`There is no command ${JSON.stringify(name.slice(0, 60))}${next}`);
}

/** `ringback help`, `ringback help COMMAND`. */
export async function run({ rest, columns, print }: Invocation): Promise<number> {
  const [name] = rest;
  print(name === undefined ? commandsPage(columns) : commandPage(name, columns));
  return 0;
}
