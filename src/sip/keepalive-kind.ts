/**
 * What keeps a flow open (RFC 5626 §3.5): line breaks, STUN, or OPTIONS.
 *
 * Line breaks on UDP open a NAT and tell nothing, as no datagram answers them: a NAT that has begun anew would leave us
 * unreachable until the next refresh, an hour later. STUN there is answered by a server that speaks RFC 5626 and by
 * hardly any other; OPTIONS is answered by nearly all, and its answer shows how the NAT maps us now (RFC 3581 §4).
 */
import { type Flow, isReliable } from './flow.ts';

export type KeepaliveKind = 'crlf' | 'stun' | 'options';

/** What a server left unanswered: it is not asked that again, unless whoever configured us wants it. */
export interface Silences {
  readonly stun: boolean;
  readonly options: boolean;
}

/**
 * What is sent on that flow. `asked`: by whoever configured us; undefined is what tells most. `outbound`: the registrar
 * speaks RFC 5626, and so STUN.
 */
export function keepaliveKind(
  flow: Flow,
  asked: KeepaliveKind | undefined,
  { outbound, silent }: { readonly outbound: boolean; readonly silent: Silences },
): KeepaliveKind {
  if (asked === 'options') return 'options';
  // §3.5.1: on a stream it is line breaks.
  if (isReliable(flow.transport)) return 'crlf';
  if (asked !== undefined) return asked;
  if (outbound && !silent.stun) return 'stun';
  return silent.options ? 'crlf' : 'options';
}
