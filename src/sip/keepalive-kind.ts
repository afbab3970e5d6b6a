/**
 * What keeps a flow open (RFC 5626 §3.5): line breaks, STUN, or OPTIONS.
 *
 * Line breaks on UDP open a NAT and tell nothing, as no datagram answers them; STUN there is answered by a server that
 * speaks RFC 5626 and by hardly any other; OPTIONS is answered by all, for more bytes and more work on both sides.
 */
import { type Flow, isReliable } from './flow.ts';

export type KeepaliveKind = 'crlf' | 'stun' | 'options';

/**
 * What is sent on that flow. `asked`: by whoever configured us. `outbound`: the registrar speaks RFC 5626; `stunless`:
 * and yet it left STUN unanswered.
 */
export function keepaliveKind(
  flow: Flow,
  asked: KeepaliveKind | undefined,
  { outbound, stunless }: { readonly outbound: boolean; readonly stunless: boolean },
): KeepaliveKind {
  if (asked === 'options') return 'options';
  // §3.5.1: on a stream it is line breaks.
  if (isReliable(flow.transport)) return 'crlf';
  return asked ?? (outbound && !stunless ? 'stun' : 'crlf');
}
