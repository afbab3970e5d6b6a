/**
 * What the tests of calls that we place have in common: an endpoint that calls, and a phone that a test plays
 * (RFC 3261 §13.2).
 */
import type { EventOf } from '../events.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import type { Action } from '../sip/endpoint-io.ts';
import type { SocketAddress } from '../sip/flow.ts';
import type { SipRequest } from '../sip/message.ts';
import type { HeaderLine, ResponseParts } from '../sip/serialize-message.ts';
import { type VirtualEndpoint, VirtualNetwork } from './virtual.ts';
import { offerText } from './virtual-caller.ts';
import { type Heard, VirtualPeer } from './virtual-peer.ts';
import { accountOf, endpointConfig, PHONE_ADDRESS } from './virtual-scene.ts';
import type { Weather } from './virtual-weather.ts';

export const CALLER_ADDRESS: SocketAddress = { address: '192.0.2.30', port: 5060 };

/** A Contact of the phone, for what makes a dialog. */
export const PHONE_CONTACT: HeaderLine = ['Contact', '<sip:bob@192.0.2.20>'];

/** A session description of the phone, with its Contact. */
export const DESCRIBED: ResponseParts = {
  headers: [PHONE_CONTACT, ['Content-Type', 'application/sdp']],
  body: offerText({ port: 31_000 }),
};

/** What the phone answers an INVITE with. */
export const ANSWER: ResponseParts = { toTag: 'bob', ...DESCRIBED };

/** Our endpoint and the phone that it calls. */
export interface CallingScene {
  readonly network: VirtualNetwork;
  readonly ours: VirtualEndpoint;
  readonly phone: VirtualPeer;
  call(to?: string, about?: Partial<Extract<Action, { type: 'call' }>>): void;
  /** The INVITE that the phone heard, retransmissions counted. */
  invite(index?: number): Heard & { readonly message: SipRequest };
  /** Answers one of them and lets 50 ms pass. */
  respond(status: number, parts?: ResponseParts, index?: number): void;
  /** Where `call.changed` went to. */
  states(): string[];
  last(): EventOf<'call.changed'> | undefined;
}

/**
 * Both, with nothing said yet. The phone answers BYE, PRACK and CANCEL, and nothing else until it is told how. With
 * `rtpPorts` the audio of calls is the media thread's.
 */
export function callingScene(
  about: Partial<EndpointConfig> = {},
  rtpPorts: readonly number[] = [],
  weather?: Weather,
): CallingScene {
  const network = new VirtualNetwork([1, 2, 3, 4], weather);
  const config = endpointConfig(CALLER_ADDRESS, about);
  const ours = network.addEndpoint('caller', CALLER_ADDRESS, config, rtpPorts);
  const phone = new VirtualPeer(network, 'phone', PHONE_ADDRESS);
  phone.answering = ({ method }) => (ANSWERED.has(method) ? { status: 200, toTag: 'bob' } : undefined);
  const invite = (index = 0) => {
    const found = phone.requests('INVITE')[index];
    if (found === undefined) throw new Error(`no INVITE ${index}`);
    return found;
  };
  return {
    network,
    ours,
    phone,
    call: (to = 'sip:bob@192.0.2.20', parts = {}) => {
      const audio = rtpPorts.length > 0 ? {} : { audio: { address: '192.0.2.30', port: 40_000 } };
      ours.act({ type: 'call', to, ...audio, ...parts });
      network.run(50);
    },
    invite,
    respond: (status, parts = {}, index = 0) => {
      phone.respond(invite(index), status, parts);
      network.run(50);
    },
    states: () => network.eventsOf(ours, 'call.changed').map(({ to }) => to),
    last: () => network.eventsOf(ours, 'call.changed').at(-1),
  };
}

const ANSWERED: ReadonlySet<string> = new Set(['BYE', 'PRACK', 'CANCEL']);

/** The settings of a caller whose account is at the phone's address. */
export function withAccount(): Partial<EndpointConfig> {
  const server = { host: PHONE_ADDRESS.address, port: PHONE_ADDRESS.port, transport: 'udp' } as const;
  return { accounts: [accountOf('100', { server })] };
}
