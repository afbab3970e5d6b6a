/**
 * All messages with one Call-ID (RFC 3261 §8.1.1.4), seen from one side: that of whoever sent the first request, unless
 * the file says which messages were its own.
 *
 * A capture beside a proxy sees the same request on several ways. The story is told of one way, the first; what
 * neither comes from the teller nor goes to it belongs to another one.
 */
import type { SocketAddress } from './flow.ts';
import { type SipRequest, value } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { type Direction, opposite, type ReadMessage } from './observed-message.ts';
import type { ObservedTransaction } from './observed-transactions.ts';
import { parseUri } from './uri.ts';

/** One side of it. */
export interface Perspective {
  /** Of the first message, and the From tag it had: what else has that tag goes the same way. */
  readonly first: Direction;
  readonly firstTag: string | undefined;
  /** Where the teller sends from and is reached at; none in a file without addresses. */
  readonly address: string | undefined;
  readonly ports: Set<number>;
}

/** The side that the first message of a Call-ID gives. */
export function perspectiveOf(read: ReadMessage): Perspective {
  const { message, core, direction, source, destination } = read;
  const first = direction ?? (message.kind === 'request' ? 'sent' : 'received');
  const tag = core.fromTag;
  const own = first === 'sent' ? source : destination;
  const firstTag = tag;
  const perspective: Perspective = {
    // A response travels against its From.
    first: message.kind === 'request' ? first : opposite(first),
    firstTag,
    address: own?.address,
    ports: new Set(own === undefined ? [] : [own.port]),
  };
  if (message.kind === 'request' && first === 'sent') learnPorts(perspective, read, message);
  return perspective;
}

/** Over TCP a request comes from another port than the one that answers reach us at: Via and Contact name that. */
function learnPorts({ address, ports }: Perspective, { core }: ReadMessage, request: SipRequest): void {
  if (address === undefined) return;
  if (core.via.host === address) ports.add(core.via.port ?? 5060);
  const contact = parseNameAddr(value(request, 'Contact') ?? '', 0, 'Contact');
  const uri = contact.ok ? parseUri(contact.value.uri) : undefined;
  if (uri?.ok && uri.value.kind === 'sip' && uri.value.host === address) ports.add(uri.value.port ?? 5060);
}

/** Which way a message goes; `elsewhere` when it neither comes from the teller nor goes to it. */
export function directionOf(
  perspective: Perspective,
  read: ReadMessage,
  transaction: ObservedTransaction | undefined,
): Direction | 'elsewhere' {
  const { direction, source, destination, message, core } = read;
  if (direction !== undefined) return direction;
  if (source !== undefined && destination !== undefined && perspective.address !== undefined) {
    if (isTeller(perspective, source)) return 'sent';
    return isTeller(perspective, destination) ? 'received' : 'elsewhere';
  }
  const same = core.fromTag === perspective.firstTag;
  const request = transaction?.direction ?? (same ? perspective.first : opposite(perspective.first));
  if (message.kind === 'response') return opposite(request);
  return same ? perspective.first : opposite(perspective.first);
}

function isTeller({ address, ports }: Perspective, { address: other, port }: SocketAddress): boolean {
  return other === address && ports.has(port);
}
