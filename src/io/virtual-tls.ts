/**
 * TLS of the virtual network: no bytes are encrypted, but certificates are shown and judged by the rules of the real
 * one (RFC 5922 §7), and a server that shows none, or a bad one, fails in the same words.
 */

import { speaksFor } from '../sip/domain-identity.ts';
import type { SocketAddress } from '../sip/flow.ts';
import type { AlternativeName, PeerCertificate, TlsFault, TlsFaultCode, TlsSession } from '../sip/tls.ts';

/** How somebody listens over TLS. */
export interface VirtualTls {
  readonly port: number;
  readonly certificate: PeerCertificate;
  /** What the chain is found wrong for. */
  readonly fault?: TlsFaultCode;
}

/** A good certificate for those domains, or one with that fault. */
export function virtualTls(
  domains: readonly string[],
  about: { readonly port?: number; readonly fault?: TlsFaultCode } = {},
): VirtualTls {
  const alternatives = domains.map((value): AlternativeName => ({ kind: 'DNS', value }));
  const certificate = {
    subject: `CN=${domains[0] ?? ''}`,
    issuer: 'CN=Virtual CA',
    alternatives,
    notBefore: '2020-01-01T00:00:00Z',
    notAfter: '2116-01-01T00:00:00Z',
    serial: '01',
  };
  return { port: 5061, certificate, ...about };
}

/** What the client's handshake comes to. */
export function virtualHandshake(tls: VirtualTls | undefined, domain: string): TlsSession | TlsFault {
  if (tls === undefined) return { code: 'not-spoken', domain, detail: 'WRONG_VERSION_NUMBER' };
  const { certificate, fault } = tls;
  const wrong = fault ?? (speaksFor(certificate, domain) ? undefined : 'wrong-name');
  if (wrong !== undefined) return { code: wrong, domain, certificate, detail: 'virtual' };
  return { ...VIRTUAL_SESSION, verified: domain, certificate };
}

/** The same of the server, which is shown no certificate. */
export const VIRTUAL_SESSION: TlsSession = { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' };

/** The address that a node has on the network, where its TLS port is that. */
export function plainAddress({ address }: SocketAddress): SocketAddress {
  return { address, port: 5060 };
}
