/** How a registration keeps its way open: part of the table in flags.ts. */
import type { KeepaliveKind } from '../sip/keepalive-kind.ts';
import { DEFAULT_KEEPALIVE_S } from '../sip/limits.ts';
import { reads, seconds } from './flag-values.ts';

/** See `Flag` in flags.ts. */
export const KEEPALIVE_FLAGS = {
  keepalive: {
    group: 'network',
    value: 'SECONDS',
    help: 'how often a registration, or a call without one, keeps its way through a NAT open, at most; 0 is never',
    otherwise: String(DEFAULT_KEEPALIVE_S),
    inFile: true,
    schema: seconds(0, 3_600),
  },
  'keepalive-by': {
    group: 'network',
    value: 'crlf|stun|options',
    help: 'what is sent for it: line breaks, STUN to the SIP server (UDP), or OPTIONS, which nearly every server answers',
    otherwise:
      'crlf on TCP and TLS; on UDP, where line breaks tell of no dead way, options, or stun where the registrar speaks RFC 5626',
    inFile: true,
    schema: reads('crlf, stun or options', (given): KeepaliveKind | undefined =>
      given === 'crlf' || given === 'stun' || given === 'options' ? given : undefined,
    ),
  },
  outbound: {
    group: 'network',
    value: 'yes|no',
    help: 'register the connection as well as the address (RFC 5626), where the registrar can',
    otherwise: 'yes',
    inFile: true,
    schema: reads('yes or no', (given) =>
      given === 'yes' || given === 'true' ? true : given === 'no' || given === 'false' ? false : undefined,
    ),
  },
} as const;
