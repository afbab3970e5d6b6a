/**
 * `received` and `rport` (RFC 3261 §18.2.1, RFC 3581): where a request came from is noted in its top Via, and where its
 * response goes. Why this matters: behind a NAT the two are not what the sender knows of itself.
 */
import type { CoreHeaders } from './core-headers.ts';
import { defaultPort, type Flow, isReliable, type SocketAddress } from './flow.ts';
import type { SipRequest } from './message.ts';
import { withParams } from './params.ts';
import { readDigits } from './text.ts';
import { type Via, withTopVia } from './via.ts';

/** `rport` (RFC 3581 §3): a port, 'asked' when it has no value yet, undefined when it is absent or no port. */
export function viaRport(via: Via): number | 'asked' | undefined {
  const text = via.params.get('rport');
  if (text === undefined) return via.params.has('rport') ? 'asked' : undefined;
  const port = readDigits(text);
  return port >= 1 && port <= 65535 ? port : undefined;
}

/**
 * What a server notes in the top Via: `received` when the request did not come from where it says (§18.2.1), and
 * always beside an `rport` that asked (RFC 3581 §4). What a client wrote there itself is replaced.
 */
export function noteSource(via: Via, source: SocketAddress): Via {
  const asked = via.params.has('rport');
  if (!asked && via.host === source.address) {
    return via.params.has('received') ? { ...via, params: withParams(via.params, { received: null }) } : via;
  }
  const received = { received: source.address };
  const noted = asked ? { ...received, rport: String(source.port) } : received;
  return { ...via, params: withParams(via.params, noted) };
}

/** The request with its source noted in the top Via (§18.2.1, RFC 3581 §4). */
export function withSource(request: SipRequest, core: CoreHeaders, flow: Flow): SipRequest {
  const noted = noteSource(core.via, flow.remote);
  return noted === core.via ? request : withTopVia(request, noted);
}

/**
 * Where responses go (§18.2.2, RFC 3581 §4): back on the stream; on UDP to the source address, at the port of
 * `rport` when it was asked for, else at the one of sent-by.
 *
 * Not to `maddr`, though §18.2.2 would have it on UDP: it is for multicast, which we do not speak, and otherwise an
 * address of a third party that a stranger has every answer and its repeats sent to (§26.1.5). Nothing that serves
 * behind a unicast address writes it; whoever did hears us at the source of the request.
 */
export function responseFlow(via: Via, flow: Flow): Flow {
  if (isReliable(flow.transport)) return flow;
  if (viaRport(via) !== undefined) return flow;
  const port = via.port ?? defaultPort(flow.transport);
  return port === flow.remote.port ? flow : { ...flow, remote: { address: flow.remote.address, port } };
}
