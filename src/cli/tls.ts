/**
 * TLS as the command line says it: the files, checked before anything starts, and read anew on SIGHUP.
 *
 * A certificate is renewed while calls stand, so a running process must take the new one without losing them. What
 * cannot be used is said and left: the old one is better than none.
 */
import { resolve } from 'node:path';
import type { Running } from '../io/driver.ts';
import { readCredentials, type TlsCredentials, type TlsFiles } from '../io/tls-credentials.ts';
import { nameOf, type Settings } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** What the flags say. Absent files: the machine's issuers, and no certificate of ours. */
export interface TlsOptions extends TlsFiles {
  /** 0: any. Absent: what the command is for decides. */
  readonly port?: number;
}

/** Phones look there when nobody tells them a port (RFC 3261 §19.1.2). */
const TLS_PORT = 5061;

/** Files are named from the working directory, which an agent may not share. Throws a `UsageError`. */
export function tlsOptions(settings: Settings): TlsOptions {
  const { 'tls-ca': ca, 'tls-cert': cert, 'tls-key': key, 'tls-port': port } = settings;
  const [one, missing] = cert === undefined ? [key, '--tls-cert'] : [cert, '--tls-key'];
  if (one !== undefined && (cert === undefined || key === undefined)) {
    const name = nameOf(cert === undefined ? 'tls-key' : 'tls-cert', one.source);
    throw new UsageError(`${name} is given without ${missing}: a certificate and its key go together.`);
  }
  if (port !== undefined && cert === undefined) {
    throw new UsageError(
      `${nameOf('tls-port', port.source)} is given without --tls-cert and --tls-key: nothing can listen there.`,
    );
  }
  return {
    ...(ca === undefined ? undefined : { ca: resolve(ca.value) }),
    ...(cert === undefined ? undefined : { cert: resolve(cert.value) }),
    ...(key === undefined ? undefined : { key: resolve(key.value) }),
    insecure: settings['tls-insecure']?.value === true,
    ...(port === undefined ? undefined : { port: port.value }),
  };
}

/**
 * What the driver is given; a service is looked for at the port of SIP over TLS, whoever only calls takes any. Throws a
 * `UsageError` that names the flag and the file.
 */
export function tlsForDriver(
  tls: TlsOptions,
  to: 'serve' | 'call',
): { readonly tls: TlsCredentials; readonly tlsPort: number } {
  try {
    return { tls: readCredentials(tls), tlsPort: tls.port ?? (to === 'serve' ? TLS_PORT : 0) };
  } catch (error) {
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
    throw new UsageError(error.message);
  }
}

/** How a service is reached, for the line that says it is ready; `tlsPort` when it listens over TLS. */
export function reachedOver(tlsPort: number | undefined): string {
  return tlsPort === undefined ? 'over UDP or TCP' : `over UDP or TCP, or over TLS at port ${tlsPort}`;
}

/** What SIGHUP does where there are files to read anew; undefined where there are none, and it ends the process. */
export function reloadOf(
  tls: TlsOptions,
  running: () => Running | undefined,
  tell: (sentence: string) => void,
): (() => void) | undefined {
  if (tls.ca === undefined && tls.cert === undefined) return undefined;
  return () => {
    try {
      const credentials = readCredentials(tls);
      running()?.useCredentials(credentials);
      tell(`SIGHUP: the TLS files were read anew (${credentials.described}).`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      tell(`SIGHUP: the TLS files cannot be used, those from before stay: ${why}`);
    }
  };
}
