/**
 * Whether what `--advertise-ip` says is where the registrar sees us (RFC 3581 §4). It is believed all the same: the one
 * who forwarded ports knows more than a Via does. But an address of yesterday, or a port that nobody forwards, has
 * calls go nowhere without a word, so it is said.
 */
import { isReliable } from './flow.ts';
import { isPrivate, isSameAddress } from './ip-address.ts';
import { seenIn } from './mapped-address.ts';
import type { SipResponse } from './message.ts';
import { diagnoseAdvertisedAddress, diagnoseAdvertisedPort } from './registration-diagnosis.ts';
import type { Registration } from './registration-state.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/** Looks at the response that has bound our Contact; the same finding is said once in a row. */
export function checkAdvertised(
  { own }: UserAgent,
  turn: Turn,
  registration: Registration,
  response: SipResponse,
): void {
  const { flow, account, advertisedElsewhere: before } = registration;
  if (flow === undefined || own.isInside(flow.remote.address)) return;
  const advertised = own.advertisedTo(flow.remote.address);
  const seen = seenIn(response);
  // A registrar that sees a private address has a way of its own to us.
  if (advertised === undefined || seen === undefined || isPrivate(seen.address)) return;
  const { port } = own.sentBy(flow);
  // On a stream it is the port of one connection.
  const seenPort = isReliable(flow.transport) ? port : (seen.port ?? port);
  if (!isSameAddress(seen.address, advertised)) {
    registration.advertisedElsewhere = seen.address;
    if (before !== seen.address) diagnoseAdvertisedAddress(turn, account, advertised, seen.address);
  } else if (seenPort !== port) {
    registration.advertisedElsewhere = 'port';
    if (before !== 'port') diagnoseAdvertisedPort(turn, account, port, seenPort);
  } else registration.advertisedElsewhere = undefined;
}
