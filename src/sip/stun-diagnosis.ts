/** What is wrong with STUN, in words for the person who set it up. Calls go on without. */
import { formatAddress, type SocketAddress } from './flow.ts';
import type { Told } from './own-address.ts';
import type { Turn } from './turn.ts';

const ADVICE = {
  'stun-unanswered': {
    cause: 'the STUN server is down, is no STUN server, or a firewall drops UDP to it',
    next: 'check --stun, or give the public address with --advertise-ip; until then peers are told local addresses',
  },
  'stun-refused': {
    cause: 'the server speaks STUN and does not tell addresses to us',
    next: 'name another server with --stun, or give the public address with --advertise-ip',
  },
  'stun-unresolved': {
    cause: 'the name of the STUN server is misspelled, or DNS cannot be reached',
    next: 'check --stun and the DNS settings of this machine; it is looked up again in a minute',
  },
} as const;

/** Why a STUN server is of no use. */
export type StunTrouble = keyof typeof ADVICE;

/** The server cannot be used, said once until it can. */
export function diagnoseStunServer(turn: Turn, code: StunTrouble, evidence: string): void {
  turn.emit({ type: 'diagnosis.raised', code, severity: 'warning', evidence, ...ADVICE[code] });
}

/** Another port for each peer (RFC 4787 §4.1): nobody can be told beforehand where we are. */
export function diagnoseSymmetricNat(
  turn: Turn,
  stun: { readonly server: SocketAddress; readonly mapped: SocketAddress },
  { by, mapped }: Told,
): void {
  turn.emit({
    type: 'diagnosis.raised',
    code: 'nat-symmetric',
    severity: 'warning',
    evidence: `the STUN server ${formatAddress(stun.server)} sees our SIP port as ${formatAddress(stun.mapped)}, ${formatAddress(by)} sees it as ${formatAddress(mapped)}`,
    cause:
      'the NAT gives each peer another port (a symmetric NAT), or treats SIP in a way of its own (an ALG)',
    next: 'STUN is no help here and is left out: audio needs a peer that answers where packets come from, or a relay of the provider; or forward ports and set --advertise-ip',
  });
}
