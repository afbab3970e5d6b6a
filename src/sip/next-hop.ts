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
