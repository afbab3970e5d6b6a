/** Where a request goes next (RFC 3261 §8.1.2), before the host is resolved. */
import { defaultPort, formatAddress, formatHost, type NextHop, type Transport } from './flow.ts';
import { addressFamily } from './ip-address.ts';
import { parseUri } from './uri.ts';

/** Transport, host and port of a URI; `fallback` where it names no transport and DNS does not either. Undefined when it is no SIP URI. */
export function nextHop(uri: string, fallback: Transport): NextHop | undefined {
  const parsed = parseUri(uri);
  if (!parsed.ok || parsed.value.kind !== 'sip') return undefined;
  const { host, port, params, scheme } = parsed.value;
  const named = params.get('transport')?.toLowerCase();
  const transport = named === 'udp' || named === 'tcp' || named === 'tls' ? named : fallback;
  const secure = scheme === 'sips' ? 'tls' : transport;
  const to = bare(params.get('maddr') ?? host);
  const other = to === bare(host) ? undefined : { domain: bare(host) };
  const insists = named === 'udp' && secure === 'udp' ? ({ explicit: true } as const) : undefined;
  const hop = { transport: secure, host: to, port: port ?? defaultPort(secure), ...other, ...insists };
  // RFC 3263 §4.1, §4.2: a port that is written and an address that is numeric leave nothing open.
  if (port !== undefined || addressFamily(to) !== undefined) return hop;
  const said = transport === named;
  return { ...hop, open: said ? 'port' : 'transport' };
}

/** A server or a proxy as it was named, with what was said beside its host. */
export interface ServerAddress {
  /** A host name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port?: number;
  readonly transport?: Transport;
  /** It was a `sips:` URI: TLS, and it stays so all the way (RFC 3261 §26.2.2). */
  readonly secure?: true;
}

/** Where it leads (RFC 3263 §4): what is not said is for DNS to say, unless there is nothing to look up. */
export function hopOf({ host, port, transport }: ServerAddress, otherwise: Transport): NextHop {
  const asked = port === undefined && addressFamily(host) === undefined;
  return {
    host,
    port: port ?? defaultPort(transport ?? otherwise),
    transport: transport ?? otherwise,
    ...(asked ? { open: transport === undefined ? 'transport' : 'port' } : undefined),
    ...(transport === 'udp' ? { explicit: true } : undefined),
  };
}

/**
 * A proxy that says no transport is reached as the account's server is: over the one that was asked for there, and over
 * TLS or not at all, because the password's digest goes by it. Without an account it is UDP, or what DNS says.
 */
export function proxyBefore(server: NextHop | undefined, proxy: ServerAddress): NextHop {
  const { transport, open, explicit } = server ?? { transport: 'udp' };
  const asked = transport === 'tls' || open === 'port' || explicit === true;
  return hopOf(proxy.transport === undefined && asked ? { ...proxy, transport } : proxy, transport);
}

/** A proxy of our own as a Route (§8.1.2): it strikes itself off (§16.4). What DNS is to say is not written down. */
export function routeTo(proxy: NextHop): string {
  const where =
    proxy.open === undefined ? formatAddress({ ...proxy, address: proxy.host }) : formatHost(proxy.host);
  const said = proxy.open !== 'transport' && proxy.transport !== 'udp';
  return `<sip:${where}${said ? `;transport=${proxy.transport}` : ''};lr>`;
}

/** An IPv6 reference without its brackets: `maddr` holds a host as it stands in a URI (§25.1). */
function bare(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
