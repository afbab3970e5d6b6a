/**
 * What Bun's TLS is told (RFC 3261 §26.3.1): TLS 1.2 at least (RFC 8996, RFC 9325 §3.1.1), our certificate, whom we
 * trust. It is told to refuse nothing: what is wrong is judged and said by tls-handshake.ts.
 */
import { isIP } from 'node:net';
import type { TLSOptions } from 'bun';
import type { TlsCredentials } from './tls-credentials.ts';

/** TLS 1.2 as it stands on the wire. Bun takes the number, and its types do not know it yet. */
const OLDEST = { minVersion: 0x0303 };

/** For a connection of ours to that name, which stands in SNI unless it is an address (RFC 6066 §3). */
export function clientTls(credentials: TlsCredentials | undefined, domain: string): TLSOptions {
  const { own, trusted } = credentials ?? {};
  return {
    ...OLDEST,
    rejectUnauthorized: false,
    ...(isIP(domain) === 0 ? { serverName: domain.replace(/\.$/, '') } : undefined),
    ...(trusted === undefined ? undefined : { ca: [...trusted] }),
    ...own,
  };
}

/** For connections that peers open. They are asked for no certificate: who they are, digest says. */
export function serverTls(credentials: TlsCredentials | undefined): TLSOptions {
  if (credentials?.own === undefined) throw new Error('a TLS listener needs a certificate');
  return { ...OLDEST, ...credentials.own };
}
