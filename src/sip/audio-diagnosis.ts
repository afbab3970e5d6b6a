/** Why a call sounds bad, as far as it can be told from here: the evidence, the likely cause, the next thing to check. */
import type { MediaCounters } from '../rtp/session.ts';
import { type Call, type CallMedia, peerAddress } from './call.ts';
import { formatAddress } from './flow.ts';
import { isLoopback, isPrivate } from './ip-address.ts';
import type { Turn } from './turn.ts';

/** Losses are worth a word from this fraction on, once there were so many packets. */
const LOSS_WORTH_A_WORD = 0.03;
const PACKETS_FOR_A_VERDICT = 100;
/** A move may cost two seconds of 20 ms; what is lost beyond that has another cause. */
const LOST_IN_A_MOVE = 100;

/** A call on which nothing, or nothing more, was heard for `silentMs`. */
export function diagnoseSilence(
  turn: Turn,
  call: Call,
  media: CallMedia,
  { packetsReceived, dropped, sendErrors }: MediaCounters,
  silentMs: number,
  severity: 'warning' | 'error',
): void {
  const { port } = media;
  const who = otherSide(call);
  const seconds = Math.round(silentMs / 1000);
  if (packetsReceived > 0) {
    raise(turn, call, severity, {
      code: 'audio-stopped',
      evidence: `no RTP and no RTCP on port ${port} for ${seconds} s, after ${packetsReceived} packets`,
      cause: `${who} went away without a BYE, or its NAT forgot the way`,
      next: `ask whether ${who} hung up; if not, look at its NAT and at what lies between`,
    });
  } else if (dropped > 0) {
    const agreed = media.session?.payloads.map(({ type, name }) => `${type} ${name}`).join(', ') ?? 'nothing';
    raise(turn, call, severity, {
      code: 'audio-not-agreed',
      evidence: `${dropped} packets came to port ${port} in ${seconds} s and none could be used; agreed was ${agreed}`,
      cause: `${who} sends a payload type that was not agreed, SRTP, or something that is no RTP`,
      next: 'compare the payload types in a capture with those of the answer',
    });
  } else {
    const own = media.description?.connection?.address;
    const ours = own === undefined ? `port ${port}` : formatAddress({ address: own, port });
    const remote = media.session?.remote;
    const theirs =
      remote === undefined ? 'gives no address' : `is at ${formatAddress(remote)} by its own word`;
    const unsent =
      sendErrors === 0
        ? ''
        : `, and ${sendErrors} ${sendErrors === 1 ? 'packet' : 'packets'} could not be sent there`;
    raise(turn, call, severity, {
      code: 'no-audio-received',
      evidence: `no RTP and no RTCP has come to port ${port} in ${seconds} s`,
      cause: `${who} sends nothing, or cannot reach ${ours}, which our SDP says; ${who} ${theirs}${unsent}`,
      next: nextAfterSilence(call, media, ours),
    });
  }
}

/** Who is behind a NAT, by the addresses alone: a private one beside signalling with somebody outside. */
function nextAfterSilence(call: Call, media: CallMedia, ours: string): string {
  const who = otherSide(call);
  const outside = !isPrivate(peerAddress(call)) && !isLoopback(peerAddress(call));
  const hidden = (address: string | undefined) => outside && address !== undefined && isPrivate(address);
  const here = hidden(media.description?.connection?.address);
  const there = hidden(media.session?.remote?.address);
  if (here && there) {
    return 'both sides are behind NATs and name private addresses: use --stun here and the like there, or a server that relays audio';
  }
  if (here) {
    return `${who} has to answer where our packets come from (symmetric RTP), or we to name a public address: --stun, or --advertise-media-ip`;
  }
  if (there) {
    return `${who} is behind a NAT and has sent nothing to ${ours}: see whether it sends at all, and set STUN or its external address there`;
  }
  return `see whether ${who} sends at all; if it does, check that UDP reaches ${ours} (a firewall, or --advertise-media-ip)`;
}

/** A call whose audio came with gaps. */
export function diagnoseLoss(turn: Turn, call: Call, media: CallMedia, counters: MediaCounters): void {
  const { packetsReceived, lost } = counters;
  const expected = packetsReceived + lost;
  if (expected < PACKETS_FOR_A_VERDICT || lost < expected * LOSS_WORTH_A_WORD) return;
  const percent = ((100 * lost) / expected).toFixed(1);
  const moves = (call.movedMs === undefined ? 0 : 1) + Math.max(0, (media.sources ?? 1) - 1);
  raise(turn, call, 'warning', {
    code: 'packets-lost',
    evidence: `${lost} of ${expected} packets from ${otherSide(call)} never came (${percent} %)`,
    ...(lost <= moves * LOST_IN_A_MOVE ? lossInMove(call) : poorWay(call)),
  });
}

function poorWay(call: Call) {
  const gaps = call.direction === 'incoming' ? '; the echo returns the gaps as they are' : '';
  return {
    cause: `the way from ${otherSide(call)} is overloaded, or its radio or Wi-Fi is poor${gaps}`,
    next: 'call again over a cable; if it stays, capture at both ends to see where the packets are lost',
  };
}

/** Until both sides have found each other again, what is sent goes to the old address. */
function lossInMove(call: Call) {
  const whose = call.movedMs === undefined ? `that of ${otherSide(call)}` : 'ours';
  return {
    cause: `an address changed in mid-call, ${whose}: another network, or a NAT that began anew`,
    next: 'nothing, if it was once; if it comes back, look at the router, or at the Wi-Fi that is left and joined',
  };
}

/** As the person who reads it knows the other one. */
function otherSide({ direction }: Call): string {
  return direction === 'incoming' ? 'the caller' : 'the called party';
}

function raise(
  turn: Turn,
  call: Call,
  severity: 'warning' | 'error',
  words: { readonly code: string; readonly evidence: string; readonly cause: string; readonly next: string },
): void {
  turn.emit({ type: 'diagnosis.raised', call: call.handle, severity, ...words });
}
