/**
 * A target that asks for one thing and a flag, or the URI itself, that asks for another: `sips:` is TLS on every hop
 * (RFC 3261 §26.2.2, RFC 5630 §3.1), and no transport can make it less. Why an error and not the stronger of both:
 * whoever wrote udp would read packets that never come.
 */
import type { Transport } from '../sip/flow.ts';
import { UsageError } from './usage-error.ts';

/** Throws a `UsageError`; `flag` is what --transport says, where it was given on the command line. */
export function checkSecure(to: string, flag: Transport | undefined): void {
  if (!/^sips:/i.test(to)) return;
  const inUri = /;transport=([^;?>]*)/i.exec(to)?.[1]?.toLowerCase();
  // §26.2.2: transport=tcp in a sips: URI is TLS over TCP.
  if (inUri !== undefined && inUri !== 'tcp' && inUri !== 'tls') {
    throw new UsageError(`${to} asks for ${inUri} and, as sips:, for TLS: leave ;transport=${inUri} out.`);
  }
  if (flag === undefined || flag === 'tls') return;
  throw new UsageError(
    `${to} is TLS, as every sips: is, and --transport says ${flag}: leave --transport out, or ask for sip: instead.`,
  );
}
