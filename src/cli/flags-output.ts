/** The flags of what is written, and where to: part of the table in flags.ts. */
import { path, reads, text, toggle } from './flag-values.ts';

/** See `Flag` in flags.ts. */
export const OUTPUT_FLAGS = {
  json: {
    group: 'output',
    help: 'one event a line on stdout (see: ringback schema)',
    inFile: false,
    schema: toggle,
  },
  plain: {
    group: 'output',
    help: 'readable lines on stdout, the default',
    inFile: false,
    schema: toggle,
  },
  raw: {
    group: 'output',
    help: 'put the SIP messages into the events, credentials masked',
    inFile: true,
    schema: toggle,
  },
  seed: {
    group: 'output',
    value: 'TEXT',
    help: 'make every identifier, and so the run, repeatable (not for the open internet)',
    inFile: false,
    schema: text('1 to 200 characters', /^.{1,200}$/su),
  },
  trace: {
    group: 'output',
    value: 'FILE',
    help: 'write down all that goes in and out, for ringback replay; no password is in it',
    inFile: true,
    schema: path,
  },
  transcript: {
    group: 'output',
    value: 'FILE',
    help: 'at the end, tell the session in FILE.md (diagram, transactions, SDP) or FILE.txt (a ladder)',
    inFile: true,
    schema: path,
  },
  verbose: {
    group: 'output',
    short: 'v',
    help: 'more: transactions, timers, sizes, measurements; twice: the messages',
    inFile: false,
    schema: reads('-v or -vv', (given) =>
      given === '0' || given === '1' || given === '2' ? (Number(given) as 0 | 1 | 2) : undefined,
    ),
  },
  quiet: { group: 'output', short: 'q', help: 'warnings alone', inFile: false, schema: toggle },
} as const;
