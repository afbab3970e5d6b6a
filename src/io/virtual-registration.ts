/**
 * What the tests of registrations have in common: an endpoint with an account, and a registrar that a test plays
 * (RFC 3261 §10.2).
 */
import type { EventOf } from '../events.ts';
import type { Account, EndpointConfig } from '../sip/endpoint-config.ts';
import { type SipRequest, value } from '../sip/message.ts';
import type { HeaderLine } from '../sip/serialize-message.ts';
import { type VirtualEndpoint, VirtualNetwork } from './virtual.ts';
import { type Answering, type Heard, VirtualPeer } from './virtual-peer.ts';
import { accountOf, ECHO_ADDRESS, endpointConfig, REGISTRAR_ADDRESS } from './virtual-scene.ts';

/** Our endpoint and the registrar of its accounts. */
export interface RegistrationScene {
  readonly network: VirtualNetwork;
  readonly ours: VirtualEndpoint;
  readonly registrar: VirtualPeer;
  /** Registers all accounts. */
  register(): void;
  /** The REGISTERs that the registrar heard, retransmissions counted. */
  registers(): (Heard & { readonly message: SipRequest })[];
  changes(): EventOf<'registration.changed'>[];
  /** Where `registration.changed` went to. */
  states(): string[];
}

/** Both, with nothing said yet; the account is 100 unless `about` names others. */
export function registrationScene(
  answering: Answering,
  about: Partial<EndpointConfig> = {},
): RegistrationScene {
  const network = new VirtualNetwork();
  const config = endpointConfig(ECHO_ADDRESS, { accounts: [accountOf('100')], ...about });
  const ours = network.addEndpoint('ua', ECHO_ADDRESS, config, [10_000]);
  const registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  registrar.answering = answering;
  const changes = () => network.eventsOf(ours, 'registration.changed');
  return {
    network,
    ours,
    registrar,
    register: () => ours.act({ type: 'register' }),
    registers: () => registrar.requests('REGISTER'),
    changes,
    states: () => changes().map(({ to }) => to),
  };
}

/** An account whose registrar is reached over TCP. */
export const tcpAccount = (user: string, about: Partial<Account> = {}): Account =>
  accountOf(user, {
    server: { host: REGISTRAR_ADDRESS.address, port: 5060, transport: 'tcp' },
    ...about,
  });

/** The credentials of a request; empty without any. */
export const credentialsOf = (request: SipRequest | undefined): string =>
  (request && value(request, 'Authorization')) ?? '';

/** One parameter of them. */
export const parameterOf = (request: SipRequest | undefined, name: string): string | undefined =>
  new RegExp(`[ ,]${name}="?([^",]*)`).exec(credentialsOf(request))?.[1];

/** A 200 that binds what was asked for, for so long. */
export function bound(request: SipRequest, expiresS?: number): ReturnType<Answering> {
  const asked = Number(value(request, 'Expires'));
  const expires = asked === 0 ? 0 : (expiresS ?? asked);
  const contact = `${value(request, 'Contact')};expires=${expires}`;
  return { status: 200, toTag: 'r', headers: expires === 0 ? [] : [['Contact', contact]] };
}

/** Of the registrar. */
export const CHALLENGE: HeaderLine = [
  'WWW-Authenticate',
  'Digest realm="lab.local", nonce="n1", algorithm=MD5, qop="auth"',
];

/** Asks for credentials, and takes any. */
export const asking: Answering = (request) =>
  credentialsOf(request) === '' ? { status: 401, toTag: 'r', headers: [CHALLENGE] } : bound(request);
