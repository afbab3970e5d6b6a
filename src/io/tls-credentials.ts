/**
 * The files of TLS: our certificate and key, and whom we trust. They are read at the start and again on SIGHUP, and
 * tried before they are used, so that a slip in a file ends no service that stands.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates } from 'node:tls';

/** What `--tls-cert`, `--tls-key`, `--tls-ca` and `--tls-insecure` say. */
export interface TlsFiles {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
}

/** What a handshake needs. */
export interface TlsCredentials {
  /** Ours: shown to whoever connects, and to a server that asks. */
  readonly own: { readonly cert: string; readonly key: string } | undefined;
  /** Certificates in PEM. */
  readonly trusted: readonly string[];
  /** Take what does not verify, and warn. */
  readonly insecure: boolean;
  /** "CN=example.org, serial 1A2B, until 2027-01-31": for the log. */
  readonly described: string;
}

/** Reads and tries them. Throws an `Error` with a sentence that names the flag and the file. */
export function readCredentials(files: TlsFiles): TlsCredentials {
  const { cert, key, ca, insecure = false } = files;
  const own =
    cert === undefined || key === undefined
      ? undefined
      : { cert: read('--tls-cert', cert), key: read('--tls-key', key) };
  const leaf = own === undefined ? undefined : parseCertificate('--tls-cert', cert ?? '', own.cert);
  if (own !== undefined && leaf !== undefined) tryKey(leaf, own, cert ?? '', key ?? '');
  return {
    own,
    trusted: ca === undefined ? machineRoots() : readTrusted(ca),
    insecure,
    described: leaf === undefined ? 'no certificate of ours' : describe(leaf),
  };
}

/** --tls-ca stands in the place of the machine's issuers: who names one means that one. */
function readTrusted(file: string): readonly string[] {
  const text = read('--tls-ca', file);
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new Error(`--tls-ca ${file} has no certificate in PEM in it.`);
  for (const one of found) parseCertificate('--tls-ca', file, one);
  return found;
}

let roots: readonly string[] | undefined;

/** What this machine trusts, and what Bun brings along (Mozilla's): a container often has no store of its own. */
function machineRoots(): readonly string[] {
  roots ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
  return roots;
}

function read(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${flag} ${file} cannot be read: ${words(error)}.`);
  }
}

function parseCertificate(flag: string, file: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new Error(`${flag} ${file} is no certificate in PEM: ${words(error)}.`);
  }
}

function tryKey(
  leaf: X509Certificate,
  own: { readonly cert: string; readonly key: string },
  cert: string,
  key: string,
): void {
  let matches: boolean;
  try {
    matches = leaf.checkPrivateKey(createPrivateKey(own.key));
  } catch (error) {
    throw new Error(`--tls-key ${key} is no private key in PEM without a passphrase: ${words(error)}.`);
  }
  if (!matches) throw new Error(`--tls-key ${key} is not the key of --tls-cert ${cert}.`);
  try {
    // The whole chain, as the listener will load it.
    createSecureContext(own);
  } catch (error) {
    throw new Error(`--tls-cert ${cert} and --tls-key ${key} cannot be used: ${words(error)}.`);
  }
}

function describe({ subject, serialNumber, validTo }: X509Certificate): string {
  const name = subject.replaceAll('\n', ', ');
  return `${name}, serial ${serialNumber}, until ${new Date(validTo).toISOString().slice(0, 10)}`;
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
