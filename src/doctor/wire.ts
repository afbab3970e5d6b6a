/**
 * What messages on the wire show: which answer belongs to which request, and where its server saw us.
 */
import type { EventOf } from '../events.ts';
import type { SocketAddress, Transport } from '../sip/flow.ts';
import { parseHostPort } from '../sip/host-port.ts';
import { viaRport } from '../sip/rport.ts';
import { parseVia, type Via, viaReceived } from '../sip/via.ts';
import type { Sighting } from './public-address.ts';
import type { Answer } from './reach.ts';
import { type Exchange, firstValue } from './sip-alg.ts';

/** What an OPTIONS came to. */
export function answerOf(event: EventOf<'ping.answered'>, waitedMs: number): Answer {
  const { status, reason = '', rttMs = 0, server, failure, detail = '' } = event;
  if (status !== undefined) return { type: 'answered', status, reason, rttMs, server };
  if (failure === 'no-answer') return { type: 'silent', waitedMs };
  if (/refused|nobody listens/i.test(detail)) return { type: 'refused' };
  if (/no route|unreach|ENETUNREACH|EHOSTUNREACH/i.test(detail)) return { type: 'unreachable', detail };
  // The words of tls-diagnosis.ts.
  return { type: 'failed', detail, ...(/does not speak TLS/.test(detail) ? { plain: true } : undefined) };
}

/** Requests of ours with what came from where they went; of one transport when it is given. */
export function exchangesIn(
  messages: readonly EventOf<'sip.sent' | 'sip.received'>[],
  transport?: Transport,
): readonly Exchange[] {
  const here = messages.filter((one) => transport === undefined || one.transport === transport);
  const sent = here.filter((one) => one.type === 'sip.sent' && /^OPTIONS /.test(one.startLine));
  const ids = new Set(here.filter(({ type }) => type === 'sip.sent').map(({ callId }) => callId));
  return sent.flatMap((request, at): Exchange[] => {
    // A retransmission is the same request.
    if (sent.findIndex(({ callId }) => callId === request.callId) !== at) return [];
    const remote = readRemote(request.remote);
    if (remote === undefined || request.raw === undefined) return [];
    const answers = here.filter(
      (one) =>
        one.type === 'sip.received' &&
        one.transport === request.transport &&
        one.remote === request.remote &&
        one.startLine.startsWith('SIP/2.0 ') &&
        // One with a Call-ID that nobody sent is what somebody made of ours.
        (one.callId === request.callId || !ids.has(one.callId)),
    );
    return [{ remote, sent: request.raw, received: answers.flatMap(({ raw }) => raw ?? []) }];
  });
}

/** Where servers saw us (RFC 3261 §18.2.1, RFC 3581 §4), where we say we are, and who answered without a word of it. */
export function sightingsIn(exchanges: readonly Exchange[]): {
  readonly local: SocketAddress | undefined;
  readonly sightings: readonly Sighting[];
  readonly mute: readonly SocketAddress[];
} {
  let local: SocketAddress | undefined;
  const sightings: Sighting[] = [];
  const mute: SocketAddress[] = [];
  for (const { remote, sent, received } of exchanges) {
    const own = topVia(sent);
    if (own !== undefined) local ??= { address: own.host, port: own.port ?? 5060 };
    const [answer] = received;
    if (answer === undefined) continue;
    const via = topVia(answer);
    const address = via === undefined ? undefined : viaReceived(via);
    const port = via === undefined ? undefined : viaRport(via);
    if (address !== undefined && typeof port === 'number') {
      sightings.push({ by: remote, how: 'rport', seen: { address, port } });
    } else mute.push(remote);
  }
  return { local, sightings, mute };
}

function topVia(message: string): Via | undefined {
  const via = parseVia(firstValue(message, 'Via', 'v') ?? '');
  return via.ok ? via.value : undefined;
}

/** `192.0.2.1:5060`, `[2001:db8::1]:5060`. */
function readRemote(text: string): SocketAddress | undefined {
  const read = parseHostPort(text, 0, text.length, 0, 'Via');
  if (!read.ok || read.value.port === undefined) return undefined;
  return { address: read.value.host, port: read.value.port };
}
