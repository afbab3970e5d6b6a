/**
 * Whether the server answers, over each transport, by an OPTIONS to each of its addresses (RFC 3261 §11).
 *
 * Any final response is an answer: what is asked here is whether messages go there and back. Transports that the
 * settings and DNS do not lead to are tried as well, because "UDP is dropped, TCP works" is what a person needs.
 */
import { formatAddress, type ServerHop, type Transport } from '../sip/flow.ts';
import type { Finding } from './check.ts';

/** What came of one OPTIONS. */
export type Answer =
  | {
      readonly type: 'answered';
      readonly status: number;
      readonly reason: string;
      readonly rttMs: number;
      readonly server?: string | undefined;
    }
  /** Somebody says that nobody listens, or is there: a reset, or ICMP; the system does not tell us which. */
  | { readonly type: 'refused' }
  | { readonly type: 'silent'; readonly waitedMs: number }
  /** This machine has no way there: no route for that family of addresses, as a rule. */
  | { readonly type: 'no-route' }
  /** A router has no way there. */
  | { readonly type: 'unreachable'; readonly detail: string }
  /** A connection that came up and was of no use; `plain`: whoever is there does not speak TLS. */
  | { readonly type: 'failed'; readonly detail: string; readonly plain?: boolean };

/** One address and its answer. */
export interface Reach {
  readonly hop: ServerHop;
  readonly answer: Answer;
}

/** All that was tried over one transport. */
export interface ReachFacts {
  readonly transport: Transport;
  /** Whether the settings and DNS lead there; else it was tried for comparison. */
  readonly wanted: boolean;
  readonly reached: readonly Reach[];
  /** Other transports that answered. */
  readonly others: readonly Transport[];
  /** It stands behind TLS in DNS, where the server did not prove who it is: nothing goes on to it (sip/bid-down.ts). */
  readonly shut?: boolean;
}

/** Whether an answer shows that messages go there and back. */
export function isAnswered({ answer }: Reach): boolean {
  return answer.type === 'answered';
}

/** Addresses of one transport that are named. */
const MOST_SHOWN = 4;
const SHUT = 'no way down from TLS, where the server did not prove who it is';

/** One transport. */
export function judgeReach(facts: ReachFacts): Finding {
  const { transport, wanted, reached, shut } = facts;
  const check = transport;
  const answered = reached.filter(isAnswered);
  // An address of a family that is not here is missed by nobody while another one answers.
  const missed = (one: Reach) =>
    !isAnswered(one) && (answered.length === 0 || one.answer.type !== 'no-route');
  const lost = reached.filter(missed);
  const evidence = reached.slice(0, MOST_SHOWN).map(inWords).join('; ');
  if (shut === true) return { check, verdict: 'note', evidence: `${evidence}; ${SHUT}` };
  // Of several, the one that says most: who takes a connection and is of no use is not merely away.
  const worst = lost.find(({ answer }) => answer.type === 'failed') ?? lost[0];
  if (worst === undefined) return judgeStatus(check, evidence, answered, wanted);
  if (!wanted) {
    const unused = `${evidence}; not needed here`;
    return answered.length > 0
      ? { check, verdict: 'ok', evidence }
      : { check, verdict: 'note', evidence: unused };
  }
  const cause = causeOf(transport, worst);
  if (answered.length > 0) {
    const first = reached[0] === worst;
    return {
      check,
      verdict: 'warning',
      evidence,
      cause: first ? `${cause}; the servers after it have to do` : cause,
      next: 'tell whoever runs it that one of the servers does not answer',
    };
  }
  return { check, verdict: 'failed', evidence, cause, next: nextOf(facts, worst) };
}

/** Everybody answered: with what? */
function judgeStatus(
  check: Transport,
  evidence: string,
  answered: readonly Reach[],
  wanted: boolean,
): Finding {
  const statuses = answered.map(({ answer }) => (answer.type === 'answered' ? answer.status : 0));
  const troubled = statuses.filter((status) => status >= 500 && status < 600 && status !== 501);
  if (!wanted || troubled.length === 0) return { check, verdict: 'ok', evidence };
  return {
    check,
    verdict: 'warning',
    evidence,
    cause: 'the server is reached and has a trouble of its own: overloaded, or a part of it is down',
    next: 'ask again in a minute; if it stays so, ask whoever runs it',
  };
}

/** `198.51.100.1:5060 200 OK in 12 ms, kamailio`. */
function inWords({ hop, answer }: Reach): string {
  const where = formatAddress(hop);
  switch (answer.type) {
    case 'answered': {
      const who = answer.server === undefined ? '' : `, ${answer.server}`;
      return `${where} ${answer.status} ${answer.reason} in ${answer.rttMs.toFixed(1)} ms${who}`;
    }
    case 'refused':
      return `${where} refuses: nobody listens there, or no way leads there`;
    case 'silent':
      return `${where} is silent: no answer in ${Math.round(answer.waitedMs / 100) / 10} s`;
    case 'no-route':
      return `${where} is not reached: no route leads there from here`;
    case 'unreachable':
      return `${where} cannot be reached: ${answer.detail}`;
    case 'failed':
      return `${where} failed: ${answer.detail}`;
  }
}

function causeOf(transport: Transport, { hop, answer }: Reach): string {
  if (answer.type === 'refused') {
    const usual = hop.port === (transport === 'tls' ? 5061 : 5060);
    return usual
      ? `the server does not speak ${transport.toUpperCase()}, or is down`
      : `the port is another one, or the server does not speak ${transport.toUpperCase()}`;
  }
  if (answer.type === 'silent') {
    return transport === 'udp'
      ? 'a firewall drops UDP, a SIP ALG swallows it, or the server does not answer strangers'
      : 'a firewall drops it, or the machine is off';
  }
  if (answer.type === 'unreachable' || answer.type === 'no-route') return 'no route leads there';
  return transport === 'tls' ? 'TLS did not come up' : 'the server ended the connection';
}

function nextOf({ transport, others }: ReachFacts, { answer }: Reach): string {
  // Not around a certificate: whoever chose TLS did not want to be heard.
  if (transport === 'tls' && answer.type === 'failed') {
    return answer.plain === true ? 'check the port: 5061 as a rule' : 'look at the certificate check';
  }
  if (transport === 'tls' && answer.type === 'refused') {
    return 'check the port (5061 as a rule), and that the server speaks TLS';
  }
  const other = transport === 'tls' ? undefined : others[0];
  if (other !== undefined) return `use --transport ${other}, which answers`;
  if (answer.type === 'refused') return 'check the address and the port, and that the server runs';
  if (answer.type === 'silent') return 'check the address, then the firewalls from here to there';
  // The words of io/other-family.ts.
  if (answer.type === 'unreachable' && /we are bound to/.test(answer.detail)) {
    return 'leave --bind out, or give it an address of the same kind as the server has';
  }
  if (answer.type === 'unreachable' || answer.type === 'no-route')
    return 'check the default route and the VPN';
  return 'ask whoever runs the server';
}
