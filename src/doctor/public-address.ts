/**
 * Where others see us, and what kind of NAT stands between as far as that can be told (RFC 3581, RFC 8489, RFC 4787
 * §4.1).
 *
 * One vantage point shows an address. Whether the mapping is the same for everybody takes two: two servers, or a
 * server and a STUN server, asked from the same socket.
 */
import { formatAddress, isSameSocket, type SocketAddress } from '../sip/flow.ts';
import { addressFamily, isLinkLocal, isLoopback, isPrivate } from '../sip/ip-address.ts';
import { type Finding, listed } from './check.ts';

/** What one vantage point said of our UDP socket. */
export interface Sighting {
  /** The server that saw us. */
  readonly by: SocketAddress;
  readonly how: 'rport' | 'stun';
  readonly seen: SocketAddress;
}

/** All that was said. */
export interface PublicFacts {
  /** Our own address towards the server, and the port of the socket. */
  readonly local: SocketAddress | undefined;
  readonly sightings: readonly Sighting[];
  /** What was said over TCP and TLS: the address holds for others, the port for that connection alone. */
  readonly overStreams?: readonly Sighting[] | undefined;
  /** What `--stun` came to when it told nothing. */
  readonly stunFailure?: string | undefined;
  /** `--advertise-ip`. */
  readonly advertised?: string | undefined;
  /** Servers that answered over UDP and did not say where they saw us (RFC 3581). */
  readonly mute: readonly SocketAddress[];
}

/** Whether there is a NAT, and which kind. */
export function judgePublicAddress(facts: PublicFacts): Finding {
  const check = 'public-address';
  const { local, advertised, stunFailure } = facts;
  const failure = stunFailure === undefined ? '' : `; STUN: ${stunFailure}`;
  // What a public server cannot have seen was written by somebody in between.
  const sightings = facts.sightings.filter(({ by, seen }) => !isOddSighting(by, seen));
  const [first] = sightings;
  const [odd] = facts.sightings;
  if (first === undefined && odd !== undefined) {
    const evidence = `${inWords(odd)}, a private address: no NAT, or a SIP ALG (see sip-alg)${failure}`;
    return { check, verdict: 'unknown', evidence, next: 'ask a STUN server with --stun HOST' };
  }
  if (first === undefined) return unseen(facts, failure);
  const said = listed(sightings.map(inWords), 3);
  const wrong = advertised !== undefined && sightings.every(({ seen }) => seen.address !== advertised);
  if (wrong) {
    return {
      check,
      verdict: 'warning',
      evidence: `${said}, and --advertise-ip says ${advertised}${failure}`,
      cause: 'the public address has changed, or --advertise-ip is mistyped',
      next: `use --advertise-ip ${first.seen.address}, or leave it out`,
    };
  }
  if (local !== undefined && sightings.every(({ seen }) => isSameSocket(seen, local))) {
    return { check, verdict: 'ok', evidence: `${said}: our own, no NAT in between${failure}` };
  }
  const behind = local === undefined ? said : `${said}; here it is ${formatAddress(local)}: behind a NAT`;
  const vantages = new Set(sightings.map(({ by }) => formatAddress(by)));
  if (vantages.size < 2) {
    return {
      check,
      verdict: stunFailure === undefined ? 'ok' : 'warning',
      evidence: `${behind}; one vantage point does not tell its kind${failure}`,
      ...(stunFailure === undefined ? {} : STUN_ADVICE),
    };
  }
  if (sightings.every(({ seen }) => isSameSocket(seen, first.seen))) {
    return {
      check,
      verdict: 'ok',
      evidence: `${behind}; everybody sees the same: a mapping that others can use`,
    };
  }
  return {
    check,
    verdict: 'warning',
    evidence: `${behind}; each sees another: a symmetric NAT`,
    cause: 'the NAT gives each peer another port, so a public address from STUN is wrong for everybody else',
    next: 'leave audio to a provider that answers where packets come from, or forward the RTP ports and use --advertise-ip',
  };
}

const STUN_ADVICE = {
  cause: 'the STUN server is down or its name is wrong, or a firewall drops UDP to it',
  next: 'try another server with --stun',
} as const;

/** Whether a server at a public address can hardly have seen us at that private one. */
export function isOddSighting(by: SocketAddress, seen: SocketAddress): boolean {
  const local = isPrivate(by.address) || isLoopback(by.address) || isLinkLocal(by.address);
  return !local && addressFamily(by.address) !== undefined && isPrivate(seen.address);
}

function unseen(
  { local, mute, advertised, stunFailure, overStreams = [] }: PublicFacts,
  failure: string,
): Finding {
  const check = 'public-address';
  if (stunFailure !== undefined) {
    return { check, verdict: 'failed', evidence: `not known${failure}`, ...STUN_ADVICE };
  }
  const [stream] = overStreams;
  if (stream !== undefined) {
    const same = local?.address === stream.seen.address;
    const nat = same
      ? 'our own, no NAT in between'
      : `here it is ${local?.address ?? 'another'}: behind a NAT`;
    const evidence = `${stream.seen.address} by the connection to ${formatAddress(stream.by)}; ${nat}`;
    return { check, verdict: 'ok', evidence };
  }
  if (mute.length > 0) {
    const told = listed(mute.map(formatAddress), 2);
    return {
      check,
      verdict: 'unknown',
      evidence: `${told} answered and did not say where it saw us (RFC 3581)`,
      next: 'ask a STUN server with --stun HOST',
    };
  }
  const shown = local !== undefined && !isPrivate(local.address) && !isLoopback(local.address);
  const own = shown ? `; ${local.address} is no private one` : '';
  const told = advertised === undefined ? '' : `; ${advertised} is told to others (--advertise-ip)`;
  return {
    check,
    verdict: 'unknown',
    evidence: `no server said where it sees us${own}${told}`,
    next: 'ask a STUN server with --stun HOST',
  };
}

function inWords({ by, how, seen }: Sighting): string {
  return `${formatAddress(seen)} by ${how} of ${formatAddress(by)}`;
}
