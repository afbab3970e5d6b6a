/** The exit code of a call: how it came out, in the table of exit-codes.ts. */
import type { EventOf } from '../events.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

const CODES: Readonly<Record<NonNullable<EventOf<'call.changed'>['outcome']>, ExitCode>> = {
  completed: EXIT.done,
  // Somebody took it back before it was answered: what was asked for did not happen.
  cancelled: EXIT.interrupted,
  'no-answer': EXIT.timeout,
  authentication: EXIT.authenticationRefused,
  refused: EXIT.peerRefused,
  unreachable: EXIT.network,
  unusable: EXIT.media,
  // No such account, or no address: nothing was sent.
  failed: EXIT.usage,
};

/** The code that an event of a call decides: once it is established, or over; undefined before. */
export function callExitCode({ to, outcome }: EventOf<'call.changed'>): ExitCode | undefined {
  if (to === 'established') return EXIT.done;
  return to === 'terminated' ? CODES[outcome ?? 'failed'] : undefined;
}
