/**
 * What the tests of the endpoint have in common: settings, an echo with a phone beside it, and the check that
 * nothing is left behind.
 */
import type { EventOf } from '../events.ts';
import type { Account, EndpointConfig } from '../sip/endpoint-config.ts';
import type { SocketAddress } from '../sip/flow.ts';
import type { SipResponse } from '../sip/message.ts';
import type { HeaderLine } from '../sip/serialize-message.ts';
import { RFC_TIMERS } from '../sip/timers.ts';
import { type VirtualEndpoint, VirtualNetwork } from './virtual.ts';
import { VirtualCaller } from './virtual-caller.ts';
import { VirtualPeer } from './virtual-peer.ts';
import type { Weather } from './virtual-weather.ts';

export const ECHO_ADDRESS: SocketAddress = { address: '192.0.2.10', port: 5060 };
export const PHONE_ADDRESS: SocketAddress = { address: '192.0.2.20', port: 5060 };
export const REGISTRAR_ADDRESS: SocketAddress = { address: '192.0.2.1', port: 5060 };

/** An endpoint at an address, with the RFC's timers and nothing else set. */
export function endpointConfig(
  { address }: SocketAddress,
  about: Partial<EndpointConfig> = {},
): EndpointConfig {
  return {
    seed: [11, 22, 33, 44],
    product: 'ringback/test',
    accounts: [],
    echo: false,
    maxCalls: 10,
    ringDelayMs: 0,
    answerDelayMs: 0,
    mediaTimeoutMs: 60_000,
    defaultAddresses: { ipv4: address },
    interfaces: [],
    rawMessages: false,
    timers: RFC_TIMERS,
    ...about,
  };
}

/** An account at the registrar of the scenes. */
export function accountOf(user: string, about: Partial<Account> = {}): Account {
  return {
    addressOfRecord: `sip:${user}@lab.local`,
    user,
    domain: 'lab.local',
    authUser: user,
    password: 'secret',
    server: { host: REGISTRAR_ADDRESS.address, port: REGISTRAR_ADDRESS.port, transport: 'udp' },
    expiresS: 3_600,
    ...about,
  };
}

/** An echo and a phone that a test plays. */
export interface EchoScene {
  readonly network: VirtualNetwork;
  readonly echo: VirtualEndpoint;
  readonly phone: VirtualPeer;
  /** Another call from the phone, over UDP. */
  caller(): VirtualCaller;
  /** Another one, that stands by now. */
  established(): VirtualCaller;
  /** Where `call.changed` went to. */
  states(): string[];
  last(): EventOf<'call.changed'> | undefined;
}

/** `rtpPorts`: what the media thread has; two when not said. */
export function echoScene(
  about: Partial<EndpointConfig> = {},
  rtpPorts: readonly number[] = [10_000, 10_002],
  weather?: Weather,
): EchoScene {
  const network = new VirtualNetwork([1, 2, 3, 4], weather);
  const config = endpointConfig(ECHO_ADDRESS, { echo: true, ...about });
  const echo = network.addEndpoint('echo', ECHO_ADDRESS, config, rtpPorts);
  const phone = new VirtualPeer(network, 'phone', PHONE_ADDRESS);
  const caller = () => new VirtualCaller(phone, ECHO_ADDRESS);
  return {
    network,
    echo,
    phone,
    caller,
    established() {
      const call = caller();
      call.invite();
      network.run(100);
      call.ack();
      network.run(100);
      return call;
    },
    states: () => network.eventsOf(echo, 'call.changed').map(({ to }) => to),
    last: () => network.eventsOf(echo, 'call.changed').at(-1),
  };
}

/** One request of the phone outside any dialog, by UDP, and the last response to its method. */
export function askEcho(
  { network, phone }: EchoScene,
  method: string,
  headers: readonly HeaderLine[] = [],
  body = '',
): SipResponse | undefined {
  const number = phone.heard.length + 1;
  const { address } = phone.local;
  phone.request(
    ECHO_ADDRESS,
    method,
    'sip:echo@192.0.2.10',
    [
      ['Via', `SIP/2.0/UDP ${address};branch=z9hG4bKasked${method}${number}`],
      ['From', '<sip:anna@example.org>;tag=a'],
      ['To', '<sip:echo@192.0.2.10>'],
      ['Call-ID', `asked-${method}-${number}`],
      ['CSeq', `${number} ${method}`],
      ...headers,
    ],
    body,
  );
  network.run(50);
  return phone.responses(method).at(-1)?.message;
}

/**
 * What is left once everything has run out: calls, transactions, connections, open ports, deadlines. Empty when
 * all is gone, as it must be at the end of every test.
 */
export function leftovers(network: VirtualNetwork, ...endpoints: readonly VirtualEndpoint[]): string[] {
  const left: string[] = [];
  // Longer than a registrar of ours lets a phone be registered.
  if (!network.settle(7_300_000)) left.push(`the network does not come to rest: ${network.nowMs} ms`);
  for (const { name, endpoint, media } of endpoints) {
    const { calls, transactions, connections } = endpoint.alive;
    const { proxied } = endpoint;
    if (calls > 0) left.push(`${name}: ${calls} calls`);
    if (transactions > 0) left.push(`${name}: ${transactions} transactions`);
    if (proxied > 0) left.push(`${name}: ${proxied} requests not answered`);
    if (connections > 0) left.push(`${name}: ${connections} connections`);
    if (media.open.size > 0) left.push(`${name}: ${media.open.size} ports open`);
    if (endpoint.deadlineMs() !== undefined) left.push(`${name}: a deadline at ${endpoint.deadlineMs()}`);
  }
  return left;
}
