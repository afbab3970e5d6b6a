/**
 * What is wrong with a registration, in words for the person who has to mend it: refused for good, not answered, or
 * bound to an address that nobody reaches (RFC 3261 §10.2.7, §21.4; RFC 3581 §4).
 *
 * It stands apart from registration.ts because nothing depends on it but people.
 */

import type { Verdict } from '../auth/credentials.ts';
import type { Advice, Diagnosis } from './diagnosis.ts';
import type { Account } from './endpoint-config.ts';
import { type Flow, formatAddress, type NextHop } from './flow.ts';
import { MAX_ACCOUNTS } from './limits.ts';
import { LONGEST_EXPIRES_S } from './registration-terms.ts';
import { errorText, type SipError } from './result.ts';
import type { Turn } from './turn.ts';
import { adviceOnSilence, type Unanswered, whereTried } from './unanswered.ts';

type RefusalCode = Extract<Verdict, { type: 'refused' }>['code'];

const WRONG_PASSWORD: Advice = {
  cause: 'the password or the authentication user name is not the one the registrar has',
  next: 'check --password and --auth-user; it is not tried again until you say so',
};
const ODD_CHALLENGE: Advice = {
  cause: 'the registrar, or a proxy before it, does not keep to digest authentication (RFC 7616)',
  next: 'look at the challenges with -vv; it is not tried again until you say so',
};

function raise(turn: Turn, { addressOfRecord }: Account, diagnosis: Diagnosis): void {
  turn.emit({ type: 'diagnosis.raised', account: addressOfRecord, ...diagnosis });
}

/** A challenge that we gave up on, and why; `answer` says which response to which REGISTER it came in. */
export function diagnoseChallenge(
  turn: Turn,
  account: Account,
  { code, reason }: { readonly code: RefusalCode; readonly reason: string },
  answer: string,
): void {
  const evidence = `${answer}: ${reason}`;
  raise(turn, account, { code, severity: 'error', evidence, ...adviceOnChallenge(code) });
}

function adviceOnChallenge(code: RefusalCode): Advice {
  if (code === 'credentials-refused') return WRONG_PASSWORD;
  if (code !== 'challenge-unsupported') return ODD_CHALLENGE;
  return {
    cause: 'the registrar asks for an authentication that is not spoken here',
    next: 'let it offer Digest with MD5, SHA-256 or SHA-512-256',
  };
}

/** A final response that time will not change. */
export function adviceOnStatus(status: number): Advice {
  if (status === 403) {
    return {
      cause: 'the registrar does not let this user register; many say so to a wrong password, too',
      next: 'check --user, --auth-user and --password; it is not tried again until you say so',
    };
  }
  if (status === 404) {
    return {
      cause: 'the registrar knows no such user, or does not serve the domain',
      next: 'check --user and --domain; it is not tried again until you say so',
    };
  }
  if (status === 423) {
    return {
      cause: 'the registrar wants a longer registration than is asked for, and says no time that would do',
      next: `set --expires to what the registrar wants, at most ${LONGEST_EXPIRES_S}; it is not tried again until you say so`,
    };
  }
  return {
    cause: 'the registrar refuses the request as it is, and asking again would not change that',
    next: 'look at the REGISTER and its response with -vv; it is not tried again until you say so',
  };
}

/** What time may mend, to somebody who asked for one try. */
function adviceOnBusy(afterS: number | undefined): Advice {
  return {
    cause: 'the registrar, or a server behind it, is busy or failed at it; the request is fine',
    next:
      afterS === undefined
        ? 'try again in a while'
        : `try again: it asks for ${afterS} s first (Retry-After)`,
  };
}

/** A refusal that ends the registration; `busy`: it may pass, after so many seconds if the registrar says it. */
export function diagnoseRefusal(
  turn: Turn,
  account: Account,
  status: number,
  evidence: string,
  busy?: { readonly afterS: number | undefined },
): void {
  const code = 'registration-refused';
  const advice = busy === undefined ? adviceOnStatus(status) : adviceOnBusy(busy.afterS);
  raise(turn, account, { code, severity: 'error', evidence, ...advice });
}

/** There is nothing to answer a challenge with. */
export function diagnosePasswordMissing(turn: Turn, account: Account, status: 401 | 407): void {
  raise(turn, account, {
    code: 'password-missing',
    severity: 'error',
    evidence: `${status} to REGISTER: the registrar asks for a password, and none was given`,
    cause: 'neither SIP_PASSWORD nor --password-file nor --password was set for this account',
    next: 'set SIP_PASSWORD and start again',
  });
}

/** A try with other credentials, or at another server, came to nothing beside one that stands. */
export function diagnoseKept(turn: Turn, account: Account): void {
  raise(turn, account, {
    code: 'registration-kept',
    severity: 'warning',
    evidence: `it was registered at ${account.server.host} before this try, and stays so`,
    cause: 'what was given now has failed, so it takes the place of nothing',
    next: `nothing, if that is right; ringback register --remove --user ${account.user} ends what stands`,
  });
}

/** One account more than are kept. */
export function diagnoseTooManyAccounts(turn: Turn, account: Account): void {
  raise(turn, account, {
    code: 'too-many-accounts',
    severity: 'error',
    evidence: `${MAX_ACCOUNTS} accounts are registered already`,
    cause: 'something registers accounts and never removes them',
    next: 'remove those that nobody needs',
  });
}

/** Nobody answered, or nothing could be sent; it is tried again by itself, unless it was to be tried once. */
export function diagnoseUnreachable(turn: Turn, account: Account, hop: NextHop, tried: Unanswered): void {
  raise(turn, account, {
    code: 'registrar-unreachable',
    severity: 'warning',
    evidence: `REGISTER to ${whereTried(hop, tried.flow)}: ${tried.reason}`,
    ...adviceOnSilence(tried, '--server and --port'),
  });
}

/** The registrar sees us from another address with every REGISTER. */
export function diagnoseMovingAddress(turn: Turn, account: Account, before: string, now: string): void {
  raise(turn, account, {
    code: 'nat-unstable',
    severity: 'warning',
    evidence: `the Contact ${before} was registered, and the registrar saw ${now} then`,
    cause: 'the NAT maps every packet anew, or there are several ways out of this network',
    next: 'use --transport tcp, which is reached on its own connection',
  });
}

/** What `--advertise-ip` says is not where the registrar sees us. */
export function diagnoseAdvertisedAddress(
  turn: Turn,
  account: Account,
  advertised: string,
  seen: string,
): void {
  raise(turn, account, {
    code: 'advertised-elsewhere',
    severity: 'warning',
    evidence: `the registrar sees us at ${seen}, and --advertise-ip has us say ${advertised}`,
    cause:
      'the public address is another one by now, or requests leave by another way than calls are to come in',
    next: `set --advertise-ip ${seen}, or leave it out: the registrar tells the address by itself`,
  });
}

/** With `--advertise-ip` the port that we listen on is said, and the NAT shows another one. */
export function diagnoseAdvertisedPort(turn: Turn, account: Account, port: number, seen: number): void {
  raise(turn, account, {
    code: 'advertised-elsewhere',
    severity: 'info',
    evidence: `the registrar sees our SIP port ${port} as ${seen}, and --advertise-ip has us say ${port}`,
    cause: 'the NAT gives the port another number on the way out',
    next: `calls come in only where UDP port ${port} is forwarded to this machine; where it is not, leave --advertise-ip out`,
  });
}

/** The registrar wants our requests to go a way that we cannot read. */
export function diagnoseServiceRoute(turn: Turn, account: Account, error: SipError): void {
  raise(turn, account, {
    code: 'service-route-unusable',
    severity: 'warning',
    evidence: `Service-Route in the 200 to REGISTER: ${errorText(error)}`,
    cause: 'the registrar, or a proxy before it, does not keep to RFC 3608: loose routers, at most 8',
    next: 'calls go out without it; set --proxy when they have to go a certain way',
  });
}

/** Keepalives by STUN were asked for, and the SIP server does not speak it. */
export function diagnoseStunless(turn: Turn, account: Account, server: string): void {
  raise(turn, account, {
    code: 'keepalive-unanswered',
    severity: 'warning',
    evidence: `STUN to ${server}, the SIP server, was not answered`,
    cause: 'it does not speak STUN on its SIP port (RFC 5626 §8), as most do not',
    next: 'the NAT is kept open all the same; --keepalive-by options tells a dead way with any server',
  });
}

/** The network changed, and no way leads to the registrar any more. */
export function diagnoseCutOff(turn: Turn, account: Account, { remote }: Flow): void {
  raise(turn, account, {
    code: 'registrar-cut-off',
    severity: 'warning',
    evidence: `no way leads from this machine to ${formatAddress(remote)} any more`,
    cause: 'the network is gone, or a tunnel to the registrar is down; nobody can call until it is back',
    next: 'bring the network back: it is registered again at once then',
  });
}
