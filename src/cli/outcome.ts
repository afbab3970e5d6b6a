/**
 * When a command has its answer, and which exit code that is: functions of the events of what it began.
 */
import type { Event, EventOf } from '../events.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** The end of what was asked for. */
export interface Outcome {
  readonly code: ExitCode;
  readonly reason: string;
}

/** Reads the events of what was begun, one by one. */
export interface Judge {
  /** The outcome, once an event decides it. */
  readonly take: (event: Event) => Outcome | undefined;
  /** What was asked for has happened and goes on: ending it now is no interruption. */
  readonly stands: () => boolean;
}

const never = () => false;

/** The word of the core for how a call came out, as a code. */
const CODES: Readonly<Record<NonNullable<EventOf<'call.changed'>['outcome']>, ExitCode>> = {
  completed: EXIT.done,
  cancelled: EXIT.interrupted,
  'no-answer': EXIT.timeout,
  authentication: EXIT.authenticationRefused,
  refused: EXIT.peerRefused,
  unreachable: EXIT.network,
  unusable: EXIT.media,
  // There is no such account, or no address in what was given: nothing was sent.
  failed: EXIT.usage,
};

/** A call: decided when it is established, or over; with `whole` only when it is over. */
export function judgeCall(whole: boolean): Judge {
  let established = false;
  const take = (event: Event): Outcome | undefined => {
    if (event.type !== 'call.changed') return undefined;
    const { to, outcome, reason = to } = event;
    if (to === 'terminated') {
      // One that stood did what was asked for, whoever ended it.
      return { code: established ? EXIT.done : CODES[outcome ?? 'failed'], reason };
    }
    if (to === 'established') established = true;
    return established && !whole ? { code: EXIT.done, reason } : undefined;
  };
  return { take, stands: () => established };
}

/** The end of every one of those calls: there is no other outcome of hanging up. */
export function judgeHangup(calls: readonly string[]): Judge {
  const left = new Set(calls);
  const take = (event: Event) => {
    if (event.type !== 'call.changed' || event.to !== 'terminated') return undefined;
    left.delete(event.call);
    return left.size === 0 ? { code: EXIT.done, reason: 'terminated' } : undefined;
  };
  return { take, stands: never };
}

/** A registration: decided when it stands, or its first try has failed; with `whole` when it is over. */
export function judgeRegistration(whole: boolean): Judge {
  let stood = false;
  const take = (event: Event): Outcome | undefined => {
    if (event.type !== 'registration.changed') return undefined;
    const { to, status, reason } = event;
    if (to === 'registered') {
      stood = true;
      return whole ? undefined : { code: EXIT.done, reason: to };
    }
    if (stood && to === 'unregistered') return { code: EXIT.done, reason: to };
    // One that stood is tried again for as long as it is wanted.
    if (to === 'idle' || to === 'registering' || (stood && to === 'retrying')) return undefined;
    return { code: registrationCode(status, reason), reason: reason ?? to };
  };
  return { take, stands: () => stood };
}

function registrationCode(status: number | undefined, reason: string | undefined): ExitCode {
  if (status === undefined) return reason === NO_ANSWER ? EXIT.timeout : EXIT.network;
  // Many registrars say 403 to a wrong password (§22.1 would have it 401).
  return [401, 403, 407].includes(status) ? EXIT.authenticationRefused : EXIT.peerRefused;
}

/** What the core says of a REGISTER that nobody answered (sip/indications.ts). */
const NO_ANSWER = 'no answer in time';

/** Its end; it is no longer kept, whatever the registrar said. */
export function judgeRemoval(): Judge {
  const take = (event: Event) => {
    if (event.type !== 'registration.changed' || event.to !== 'unregistered') return undefined;
    const { status } = event;
    const code = status === undefined || status < 300 ? EXIT.done : registrationCode(status, undefined);
    return { code, reason: event.to };
  };
  return { take, stands: never };
}

/** Hold and resume: the call has changed to that state, the other side would not have it, or the call is over. */
export function judgeChange(to: 'held' | 'established'): Judge {
  const wish = to === 'held' ? 'hold' : 'resume';
  const take = (event: Event) => {
    if (event.type === 'diagnosis.raised' && event.code === `${wish}-refused`) {
      return { code: EXIT.peerRefused, reason: event.evidence };
    }
    // It was so already.
    if (event.type === 'diagnosis.raised' && event.code === `${wish}-unchanged`) {
      return { code: EXIT.done, reason: to };
    }
    if (event.type !== 'call.changed') return undefined;
    if (event.to === to) return { code: EXIT.done, reason: to };
    const reason = event.reason ?? event.to;
    return event.to === 'terminated' ? { code: EXIT.peerRefused, reason } : undefined;
  };
  return { take, stands: never };
}
