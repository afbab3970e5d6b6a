/**
 * Why a ping of ours came to nothing, or to a refusal, in words for the person who sent it (RFC 3261 §11, §21).
 *
 * Why not the words of a call (call-advice.ts): who refuses an OPTIONS is alive all the same, and that is half of what
 * was asked. And why once for a row of pings that end alike: with `--count 0` nothing else would be read.
 */
import type { Verdict } from '../auth/credentials.ts';
import { adviceOnCall } from './call-advice.ts';
import type { Advice, Diagnosis } from './diagnosis.ts';
import type { Flow, NextHop } from './flow.ts';
import { type SipResponse, value } from './message.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';
import { adviceOnSilence, whereTried } from './unanswered.ts';

type RefusalCode = Extract<Verdict, { type: 'refused' }>['code'];

/** How a ping came out, where it was no 2xx. */
export type PingEnd =
  | { readonly type: 'refused'; readonly response: SipResponse }
  /** A challenge that was not answered; without a code there was nothing to answer it with. */
  | { readonly type: 'challenged'; readonly response: SipResponse; readonly code: RefusalCode | undefined }
  /** Nobody answered, or nothing could be sent. */
  | { readonly type: 'unanswered'; readonly reason: string };

/** What is known of the ping. */
export interface PingTried {
  readonly hop: NextHop;
  /** Absent when no server was found. */
  readonly flow: Flow | undefined;
  readonly routes: readonly string[];
  /** The target names a user, not a server alone. */
  readonly user: boolean;
}

/** Different things that are remembered to have been said. */
const MOST_SAID = 64;

/** What was said of pings that failed, since one was fine. */
export class PingDiagnoses {
  private readonly said = new Set<string>();
  private answered = '';

  /** The ping got a 2xx: what fails from now on is told anew. */
  fine(hop: NextHop): void {
    this.said.clear();
    this.answered = keyOf(hop);
  }

  /** Says it, unless a ping before came to the same. */
  raise(turn: Turn, tried: PingTried, end: PingEnd): void {
    const diagnosis = this.diagnosisOf(tried, end);
    if (end.type !== 'unanswered') this.answered = keyOf(tried.hop);
    this.say(turn, diagnosis);
  }

  /** Says that, once. */
  say(turn: Turn, diagnosis: Diagnosis): void {
    const { code, evidence, cause, next } = diagnosis;
    const key = `${code} ${evidence} ${cause} ${next}`;
    if (this.said.has(key)) return;
    if (this.said.size >= MOST_SAID) this.said.clear();
    this.said.add(key);
    turn.emit({ type: 'diagnosis.raised', ...diagnosis });
  }

  private diagnosisOf(tried: PingTried, end: PingEnd): Diagnosis {
    if (end.type !== 'unanswered') return diagnosisOfAnswer(tried, end);
    const { hop, flow, routes } = tried;
    const { reason } = end;
    const named = routes.length === 0 ? 'the address that is asked' : '--proxy, or --server';
    const stood = this.answered === keyOf(hop);
    return {
      code: flow === undefined ? 'ping-unreachable' : 'ping-unanswered',
      severity: 'error',
      evidence: `OPTIONS to ${whereTried(hop, flow)}: ${reason}`,
      ...adviceOnSilence({ reason, flow, stood }, named),
    };
  }
}

function keyOf({ transport, host, port }: NextHop): string {
  return `${transport} ${host} ${port}`;
}

/** It is a warning alone: somebody lives there. */
function diagnosisOfAnswer({ user }: PingTried, end: Extract<PingEnd, { response: SipResponse }>): Diagnosis {
  const { response } = end;
  const { status, reason } = response;
  const evidence = [`${status} ${displayText(reason)} to OPTIONS`];
  for (const name of ['Warning', 'Retry-After', ...(status < 400 ? ['Contact'] : [])]) {
    const said = value(response, name);
    if (said !== undefined) evidence.push(`${name}: ${displayText(said)}`);
  }
  const about = { severity: 'warning', evidence: evidence.join(', ') } as const;
  if (end.type === 'challenged') {
    const code = end.code ?? 'password-missing';
    return { ...about, code, ...adviceOnChallenge(end.code) };
  }
  return { ...about, code: 'ping-refused', ...adviceOnPing(status, user) };
}

function adviceOnChallenge(code: RefusalCode | undefined): Advice {
  if (code === undefined) {
    return {
      cause: 'it is there, and answers only those that it knows',
      next: 'give --user, --password and --server of an account there: no password is sent to any other server',
    };
  }
  if (code === 'credentials-refused') {
    return {
      cause: 'the password or the authentication user name is not the one that the server has',
      next: 'check --password and --auth-user',
    };
  }
  return {
    cause: 'the server, or a proxy before it, asks for an authentication that is not spoken here (RFC 7616)',
    next: 'look at the challenge with -vv; ours is Digest with MD5, SHA-256 or SHA-512-256',
  };
}

const UNKNOWN_USER: Advice = {
  cause: 'the server is there, and knows nobody of that name',
  next: 'check the user and the domain; ringback ping HOST, without a user, asks the server itself',
};
const UNKNOWN_DOMAIN: Advice = {
  cause: 'the server is there, and does not serve that host or domain, or takes no OPTIONS without a user',
  next: 'ask for a domain that it serves, or for a user there: ringback ping USER@DOMAIN --proxy HOST',
};
const UNSERVED: Advice = {
  cause: 'somebody is there, and does not serve OPTIONS',
  next: 'nothing, if only a sign of life is wanted; ringback call shows whether calls work',
};
const BUSY: Advice = {
  cause: 'who is asked is there and busy: an INVITE would be refused so now (§11.2)',
  next: 'ask again later',
};

/** The answer to OPTIONS is that to an INVITE (§11.2), where a server keeps to that. */
const BY_STATUS: Readonly<Record<number, Advice>> = {
  403: {
    cause: 'the server is there, and does not let this sender ask',
    next: 'ask as one of its users, with --user, --password and --server; or have it allow this address',
  },
  405: UNSERVED,
  408: {
    cause: 'the server is there; it asked on and waited in vain for an answer',
    next: 'check that the user is registered and reachable',
  },
  410: UNKNOWN_USER,
  480: {
    cause: 'the server is there and knows the user, who is not registered now',
    next: 'check the registration of that user',
  },
  486: BUSY,
  501: UNSERVED,
  503: {
    cause: 'the server is there, and overloaded or down for maintenance',
    next: 'ask again in a while, or when Retry-After says',
  },
  600: BUSY,
  604: UNKNOWN_USER,
};

function adviceOnPing(status: number, user: boolean): Advice {
  if (status === 404) return user ? UNKNOWN_USER : UNKNOWN_DOMAIN;
  const known = BY_STATUS[status];
  if (known !== undefined) return known;
  if (status < 400) {
    return {
      cause: 'the server is there; who is asked for is elsewhere',
      next: 'ask the address in the Contact of the response',
    };
  }
  // Loops, and what servers say of themselves: the method makes no difference.
  if (status === 482 || status === 483 || (status >= 500 && status < 600)) {
    const { cause, next } = adviceOnCall(status);
    return { cause, next };
  }
  return {
    cause: 'somebody is there, and refuses the request as it is',
    next: 'look at the reason phrase, and at both messages with -vv',
  };
}
