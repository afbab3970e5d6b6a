/** The flags of calls that come in: how many, how they are answered, when they end. Part of the table in flags.ts. */
import { DEFAULT_MAX_CALLS } from '../sip/limits.ts';
import { number, seconds, toggle } from './flag-values.ts';

/** See `Flag` in flags.ts. */
export const CALLS_FLAGS = {
  'max-calls': {
    group: 'calls',
    value: 'N',
    help: 'calls at once; one more is told 486 Busy Here',
    otherwise: String(DEFAULT_MAX_CALLS),
    inFile: true,
    schema: number('a whole number', 1, 32_000, true),
  },
  'ring-delay': {
    group: 'calls',
    value: 'SECONDS',
    help: 'wait before ringing (180)',
    otherwise: '0',
    inFile: true,
    schema: seconds(0, 120),
  },
  'answer-delay': {
    group: 'calls',
    value: 'SECONDS',
    help: 'ring for so long before answering (200)',
    otherwise: '0',
    inFile: true,
    schema: seconds(0, 120),
  },
  prack: {
    group: 'calls',
    help: 'make sure that 180 arrives, with callers that can (100rel); with those that demand it always',
    inFile: true,
    schema: toggle,
  },
  'echo-messages': {
    group: 'calls',
    help: 'send the text of a MESSAGE back to its sender',
    inFile: true,
    schema: toggle,
  },
  'media-timeout': {
    group: 'calls',
    value: 'SECONDS',
    help: 'end a call that is not on hold and sends no audio for so long; 0 is never',
    otherwise: '60',
    inFile: true,
    schema: seconds(0, 86_400),
  },
  'max-duration': {
    group: 'calls',
    value: 'SECONDS',
    help: 'end any call that lasts so long, also one on hold; 0 is never',
    otherwise: '43200',
    inFile: true,
    schema: seconds(0, 31_536_000),
  },
  'sample-interval': {
    group: 'calls',
    value: 'SECONDS',
    help: 'between two measurements of the audio',
    otherwise: '0.5',
    inFile: true,
    schema: seconds(0.1, 60),
  },
  'media-threads': {
    group: 'calls',
    value: 'N',
    help: 'threads that carry audio; one is enough for about a thousand calls',
    otherwise: '1',
    inFile: true,
    schema: number('a whole number', 1, 16, true),
  },
} as const;
