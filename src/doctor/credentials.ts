/**
 * Whether the registrar takes the password: a REGISTER that binds nothing (RFC 3261 §10.2.3), because a check must not
 * take calls away from a phone.
 */
import type { EventOf } from '../events.ts';
import type { Transport } from '../sip/flow.ts';
import type { Finding } from './check.ts';

/** What came back, and whether a password was there to answer with. */
export interface CredentialFacts {
  readonly queried: EventOf<'registration.queried'>;
  readonly hasPassword: boolean;
  /** The registrar asked for credentials. */
  readonly challenged: boolean;
}

/**
 * No server of the account answers; `wanted` are the transports that lead to it. `unproven`: one over TLS did not prove
 * who it is, so that those behind it without TLS are not asked.
 */
export function notAsked(wanted: readonly Transport[], why?: 'unproven'): Finding | undefined {
  // The name leads nowhere, and that was said.
  if (wanted.length === 0) return undefined;
  if (why === 'unproven') {
    const evidence = 'not asked: the server did not prove over TLS who it is; look at the certificate check';
    return { check: 'credentials', verdict: 'unknown', evidence };
  }
  const evidence = `not asked: no server answers over ${wanted.join(' or ')}`;
  return { check: 'credentials', verdict: 'unknown', evidence };
}

/** What is said of who asks. */
export function judgeCredentials({ queried, hasPassword, challenged }: CredentialFacts): Finding {
  const check = 'credentials';
  const { account, status, reason, contacts = [], failure, detail } = queried;
  if (failure === 'authentication' && !hasPassword) {
    return {
      check,
      verdict: 'failed',
      evidence: `${status} ${reason} to REGISTER of ${account}, and no password was given`,
      cause: 'the registrar wants to know who asks',
      next: 'give the password: SIP_PASSWORD or --password-file',
    };
  }
  if (failure === 'authentication') {
    return {
      check,
      verdict: 'failed',
      evidence: `${status} ${reason} to REGISTER of ${account}: ${detail ?? 'refused'}`,
      cause: 'the password or the user name is wrong, or the account is another domain’s',
      next: 'compare --user, --auth-user, --domain and the password with what the provider wrote',
    };
  }
  if (status === undefined) {
    const evidence = `no answer to REGISTER of ${account}: ${detail ?? failure ?? 'nothing came'}`;
    return {
      check,
      verdict: 'unknown',
      evidence,
      cause: 'the registrar was not reached',
      next: 'see to that first',
    };
  }
  const bound = contacts.length === 0 ? 'nothing is bound now' : `${contacts.length} bound now`;
  if (status < 300 && challenged) {
    return {
      check,
      verdict: 'ok',
      evidence: `the registrar takes the password of ${account}; ${bound}`,
      details: contacts,
    };
  }
  if (status < 300) {
    const evidence = `the registrar answers ${account} without asking for a password; ${bound}`;
    return { check, verdict: 'note', evidence, details: contacts };
  }
  const evidence = `${status} ${reason} to REGISTER of ${account}`;
  if (status === 403) return refused(evidence, 'the account is locked, or may not come from this address');
  if (status === 404)
    return refused(evidence, 'the registrar does not know this user, or not in this domain');
  if (status >= 500) {
    return {
      check,
      verdict: 'unknown',
      evidence,
      cause: 'the registrar has a trouble of its own',
      next: 'ask again in a minute',
    };
  }
  // Some refuse to be asked and register all the same.
  return {
    check,
    verdict: 'unknown',
    evidence,
    cause: 'this registrar answers no REGISTER without a Contact',
    next: 'try it: ringback register --foreground',
  };
}

function refused(evidence: string, cause: string): Finding {
  const next = 'compare --user and --domain with what the provider wrote, then ask the provider';
  return { check: 'credentials', verdict: 'failed', evidence, cause, next };
}
