/**
 * Addresses in a session description that the audio will hardly reach (RFC 8866 §5.7, RFC 3264 §5.1, RFC 1918,
 * RFC 6598, RFC 4193, RFC 3927): told of while the call stands, because all that the person hears of it is silence.
 *
 * A description is judged against the way its signalling came: private beside private is a LAN, private behind a public
 * address is a NAT that nobody told the phone about.
 */
import { type Call, peerAddress } from './call.ts';
import {
  addressFamily,
  isBroadcast,
  isLinkLocal,
  isLoopback,
  isMulticast,
  isPrivate,
  isUnspecified,
} from './ip-address.ts';
import type { NegotiatedMedia } from './negotiated-media.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/** What an address is judged by. */
export interface AddressCase {
  /** As it stands in c=. */
  readonly address: string;
  /** Where the signalling comes from. */
  readonly peer: string;
  /** Whether we have an address of that family to send from. */
  readonly familyKnown: boolean;
  /** The call had audio before, or has none yet: then 0.0.0.0 says hold (RFC 3264 §8.4, RFC 3725 §4). */
  readonly mayHold: boolean;
}

interface Verdict {
  readonly code: string;
  readonly holds: (of: AddressCase) => boolean;
  readonly cause: string;
  readonly next: string;
}

/** The first that holds is said. */
const VERDICTS: readonly Verdict[] = [
  {
    code: 'media-address-name',
    holds: ({ address }) => addressFamily(address) === undefined,
    cause: 'it is a host name, or no address at all; names in SDP are not looked up',
    next: 'let the other side write the address itself into c=',
  },
  {
    code: 'media-address-unspecified',
    holds: ({ address, mayHold }) => isUnspecified(address) && !mayHold,
    cause: 'the other side does not know its own address, or begins the call on hold in the old way',
    next: 'look at the network settings there; audio goes back as soon as some arrives',
  },
  {
    code: 'media-address-group',
    holds: ({ address }) => isMulticast(address) || isBroadcast(address),
    cause: 'it is the address of a group of machines, and a call is with one',
    next: 'look at the network settings of the other side',
  },
  {
    code: 'media-address-loopback',
    holds: ({ address, peer }) => isLoopback(address) && !isLoopback(peer),
    cause: 'the other side names its own loopback interface, which nobody else can reach',
    next: 'let the other side bind to, or advertise, the address of its network interface',
  },
  {
    code: 'media-address-link-local',
    holds: ({ address, peer }) => isLinkLocal(address) && !isLinkLocal(peer),
    cause: 'the other side had no address when it started (no DHCP), or picked the wrong interface',
    next: 'look at the network settings of the other side',
  },
  {
    code: 'media-address-family',
    holds: ({ familyKnown }) => !familyKnown,
    cause: 'this machine has no address of that family, so nothing can be sent there',
    next: 'let the other side offer the other family, or give this machine such an address',
  },
  {
    code: 'media-address-private',
    holds: ({ address, peer }) => isPrivate(address) && isPublic(peer),
    cause: 'the other side is behind a NAT and does not know its public address',
    next: 'audio goes to where its packets come from, once one has come; if none comes, set STUN or its external address there',
  },
];

/** The code of what is wrong with an address, and the words for it; undefined when nothing is. */
export function addressVerdict(of: AddressCase): Omit<Verdict, 'holds'> | undefined {
  return VERDICTS.find(({ holds }) => holds(of));
}

/** Says what is wrong with the address that the other side of a call named, once a call. */
export function diagnoseAddress(
  agent: UserAgent,
  turn: Turn,
  call: Call,
  { address, direction }: NegotiatedMedia,
): void {
  const peer = peerAddress(call);
  // Nearly every call: the audio is where the signalling is.
  if (address === undefined || address === peer || call.addressDiagnosed === true) return;
  const mayHold = call.media?.session !== undefined || direction === 'inactive';
  const verdict = addressVerdict({ address, peer, familyKnown: agent.own.hasRouteTo(address), mayHold });
  if (verdict === undefined) return;
  call.addressDiagnosed = true;
  const { code, cause, next } = verdict;
  // Somebody behind a NAT is daily bread for audio of ours, which answers where the packets come from (rtp/latch.ts).
  const usual = code === 'media-address-private' && call.media !== undefined;
  turn.emit({
    type: 'diagnosis.raised',
    call: call.handle,
    code,
    severity: usual ? 'info' : 'warning',
    evidence: `the session description wants audio at ${displayText(address)}, and its signalling comes from ${peer}`,
    cause,
    next,
  });
}

function isPublic(address: string): boolean {
  return !isPrivate(address) && !isLoopback(address) && !isLinkLocal(address);
}
