/** The flags of `ringback ping`: part of the table in flags.ts. */
import { number, seconds } from './flag-values.ts';

/** See `Flag` in flags.ts. */
export const PING_FLAGS = {
  count: {
    group: 'ping',
    value: 'N',
    help: 'ask so often; 0 is until Ctrl-C',
    otherwise: '1',
    inFile: false,
    schema: number('a whole number', 0, 1_000_000, true),
  },
  interval: {
    group: 'ping',
    value: 'SECONDS',
    help: 'from one to the next',
    otherwise: '1',
    inFile: false,
    schema: seconds(0.1, 3_600),
  },
  timeout: {
    group: 'ping',
    value: 'SECONDS',
    help: 'how long an answer may take',
    otherwise: '5',
    inFile: false,
    schema: seconds(0.1, 32),
  },
} as const;
