/**
 * Plays one ping in memory, before the first real one.
 *
 * Why: code that runs for the first time takes some milliseconds, and the first round trip would show those and not
 * the network's. The engine has no sockets and no clock, so two endpoints can be asked and answered for nothing.
 */
import { NOTHING_COUNTED } from '../rtp/session.ts';
import { Endpoint } from '../sip/endpoint.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import type { Output } from '../sip/endpoint-io.ts';

const ASKING = { address: '127.0.0.1', port: 5060 };
const ANSWERING = { address: '127.0.0.2', port: 5060 };
/** The compiler begins to work on what was run some dozen times. */
const ROUNDS = 30;

/** Rehearses with these settings; nothing of it is seen or sent. Returns how many pings were answered. */
export function rehearsePing(config: Omit<EndpointConfig, 'defaultAddresses' | 'interfaces'>): number {
  const open = ({ address, port }: typeof ASKING): Endpoint => {
    const settings = { ...config, accounts: [], defaultAddresses: { ipv4: address }, interfaces: [] };
    const endpoint = new Endpoint(settings, () => NOTHING_COUNTED);
    endpoint.handle({ type: 'listening', transport: 'udp', local: { address, port } }, 0);
    return endpoint;
  };
  const [asking, answering] = [open(ASKING), open(ANSWERING)];
  let answered = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const asked = asking.handle(
      { type: 'action', action: { type: 'ping', to: `sip:${ANSWERING.address}` } },
      round,
    );
    for (const bytes of sentIn(asked)) {
      for (const answer of sentIn(answering.handle({ type: 'datagram', remote: ASKING, bytes }, round))) {
        const heard = asking.handle({ type: 'datagram', remote: ANSWERING, bytes: answer }, round);
        answered += heard.filter((one) => one.type === 'event' && one.event.type === 'ping.answered').length;
      }
    }
  }
  return answered;
}

function sentIn(outputs: readonly Output[]): Uint8Array[] {
  return outputs.flatMap((output) => (output.type === 'send' ? [output.bytes] : []));
}
