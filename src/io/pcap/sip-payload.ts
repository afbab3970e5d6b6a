/** Whether bytes are SIP (RFC 3261 §7), for a capture in which anything may stand. */
import { latin1 } from '../../sip/text.ts';

const START_LINE = /^(?:\r?\n)*(?:SIP\/\d\.\d |[A-Za-z][\w.!%*+`'~-]{0,63} \S{1,2000} SIP\/\d)/;
const STUN_COOKIE = [0x21, 0x12, 0xa4, 0x42];

/** Whether it starts with a request line or a status line. */
export function looksLikeSip(bytes: Uint8Array): boolean {
  return START_LINE.test(latin1(bytes, 0, Math.min(bytes.length, 2_100)));
}

/** What stands on a SIP port and is no SIP: keep-alives (RFC 5626 §3.5.1), STUN (RFC 8489), a byte or two of nothing. */
export function isKeepalive(bytes: Uint8Array): boolean {
  if (bytes.length <= 4) return true;
  const stun = STUN_COOKIE.every((byte, index) => bytes[4 + index] === byte);
  return stun || bytes.every((byte) => byte === 0x0d || byte === 0x0a || byte === 0 || byte === 0x20);
}
