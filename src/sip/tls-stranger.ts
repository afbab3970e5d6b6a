/**
 * A peer that came to our TLS port and did not get in (RFC 3261 §26.3.1): a phone that does not like what we show or
 * speak, or somebody who tries ports. Why not the diagnoses of tls-diagnosis.ts: those are about servers, and their
 * advice, given to a phone's owner, leads away from the fault.
 */
import { formatAddress, type SocketAddress } from './flow.ts';
import type { TlsFault, TlsFaultCode } from './tls.ts';
import { faultText } from './tls-diagnosis.ts';
import type { Turn } from './turn.ts';

/** What to do about it, on the peer's side as a rule. */
const HINTS: Partial<Record<TlsFaultCode, string>> = {
  'certificate-not-taken':
    'it does not trust the issuer of --tls-cert, or called another name: give it that issuer, or --tls-cert one for the name that it calls',
  'protocol-version': 'it offers no TLS 1.2 or 1.3, and what is older is not safe any more: let it offer one',
  'no-common-cipher':
    'it offers no cipher that is taken here: let it offer the default ones of its library (ECDHE with AES-GCM or ChaCha20)',
  'not-spoken':
    'SIP without TLS, or something else, came to the port of TLS: let it use the port of UDP and TCP',
};
const OTHERWISE = 'the two sides did not come to terms; its log may say more';

/** Said as any message that is refused, and bounded as those are. */
export function reportTlsStranger(turn: Turn, remote: SocketAddress, fault: TlsFault): void {
  turn.emit({
    type: 'sip.rejected',
    transport: 'tls',
    remote: formatAddress(remote),
    code: `tls-${fault.code}`,
    offset: 0,
    detail: faultText(fault).replace(/^TLS: /, ''),
    hint: HINTS[fault.code] ?? OTHERWISE,
  });
}
