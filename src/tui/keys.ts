/**
 * The keys, written once: the help page, the footer and what a key does are all read from this table.
 *
 * A key is named as a person would say it: `up`, `enter`, `esc`, `tab`, `page-down`, or the character itself.
 */

/** Where a key means something. */
export type Place = 'calls' | 'log' | 'call' | 'message' | 'entry';

/** What a key asks the screen to do; view.ts does it. */
export type Command =
  | 'up'
  | 'down'
  | 'page-up'
  | 'page-down'
  | 'top'
  | 'end'
  | 'open'
  | 'back'
  | 'next-pane'
  | 'hang-up'
  | 'hang-up-all'
  | 'call'
  | 'register'
  | 'hold'
  | 'filter'
  | 'kind'
  | 'sort'
  | 'pause'
  | 'export'
  | 'help'
  | 'quit';

interface Key {
  readonly command: Command;
  readonly keys: readonly string[];
  /** As it is written for people; the keys when absent. */
  readonly label?: string;
  /** For the footer, short; absent: in the help alone. */
  readonly short?: string;
  readonly help: string;
  /** Everywhere when absent. */
  readonly places?: readonly Place[];
}

/** In the order of the footer and of the help page. */
export const KEYS: readonly Key[] = [
  {
    command: 'open',
    keys: ['enter', 'right', 'l'],
    label: 'Enter',
    short: 'open',
    help: 'open the call, the message, or the line',
    places: ['calls', 'log', 'call'],
  },
  {
    command: 'back',
    keys: ['esc', 'left'],
    label: 'Esc',
    short: 'back',
    help: 'back; clear the filter',
    places: ['call', 'message', 'entry'],
  },
  {
    command: 'next-pane',
    keys: ['tab', 'shift-tab'],
    label: 'Tab',
    short: 'pane',
    help: 'the other pane',
    places: ['calls', 'log'],
  },
  {
    command: 'hang-up',
    keys: ['h'],
    short: 'hang up',
    help: 'hang up this call (asks)',
    places: ['calls', 'call'],
  },
  { command: 'hang-up-all', keys: ['H'], help: 'hang up all calls (asks)' },
  { command: 'call', keys: ['c'], short: 'call', help: 'place a call', places: ['calls', 'log'] },
  { command: 'register', keys: ['r'], help: 'register every account again, now' },
  {
    command: 'hold',
    keys: ['o'],
    short: 'hold',
    help: 'hold this call, or resume it',
    places: ['calls', 'call'],
  },
  {
    command: 'filter',
    keys: ['/'],
    short: 'filter',
    help: 'show only what has a text in it',
    places: ['calls', 'log'],
  },
  {
    command: 'kind',
    keys: ['f'],
    short: 'kind',
    help: 'the log: all, messages, transactions, calls, trouble',
    places: ['log'],
  },
  {
    command: 'sort',
    keys: ['s'],
    short: 'sort',
    help: 'the calls by newest, longest, trouble, peer',
    places: ['calls'],
  },
  { command: 'pause', keys: ['p'], short: 'pause', help: 'stop the screen, not the calls; again goes on' },
  {
    command: 'export',
    keys: ['e'],
    short: 'export',
    help: 'write this call to a file: markdown, ladder or capture',
    places: ['calls', 'call'],
  },
  { command: 'help', keys: ['?'], short: 'help', help: 'this page' },
  {
    command: 'quit',
    keys: ['q', 'ctrl-c'],
    label: 'q, Ctrl-C',
    short: 'quit',
    help: 'end all calls, unregister, leave (asks while calls are up)',
  },
  // What everybody tries anyway stands last: a small terminal has no room for it in the help.
  { command: 'up', keys: ['up', 'k'], label: 'Up, k', help: 'one line up' },
  { command: 'down', keys: ['down', 'j'], label: 'Down, j', help: 'one line down' },
  { command: 'page-up', keys: ['page-up', 'ctrl-b'], label: 'PgUp', help: 'one page up' },
  { command: 'page-down', keys: ['page-down', 'ctrl-f', ' '], label: 'PgDn, Space', help: 'one page down' },
  { command: 'top', keys: ['home', 'g'], label: 'Home, g', help: 'to the first line' },
  { command: 'end', keys: ['end', 'G'], label: 'End, G', help: 'to the last line; the log follows again' },
];

/** What a key means there. */
export function commandOf(key: string, place: Place): Command | undefined {
  return KEYS.find(({ keys, places }) => keys.includes(key) && (places?.includes(place) ?? true))?.command;
}

/** What the help page says of it; where somebody else holds the calls, leaving ends none (ringback attach). */
export function helpOf({ command, help }: Key, endsCalls: boolean): string {
  return command === 'quit' && !endsCalls ? 'leave this screen; calls and registrations go on' : help;
}

/** How it is written for people. */
export function labelOf({ label, keys }: Key): string {
  return label ?? keys.join(', ');
}
