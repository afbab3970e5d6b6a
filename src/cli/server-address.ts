/**
 * Where a provider or a proxy is, as people write it: `pbx.example.org`, `192.0.2.1:5080`, `[2001:db8::1]:5060`,
 * `sip:pbx.example.org:5070;transport=tcp` (RFC 3261 §19.1.1). It has no user part: who registers is `--user`, and
 * two places for one thing would be two chances to be wrong.
 */
import { isIP, isIPv6 } from 'node:net';
import type { Transport } from '../sip/flow.ts';
import type { ServerAddress } from '../sip/next-hop.ts';

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;

/** `[::1]` as `::1`, anything else as it is. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

/** A host name or an IP address without brackets, fit for a URI: an IPv6 zone is not (RFC 3261 §25.1). */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return !text.includes('%');
  // Four numbers that are no address are a slip, not a name.
  return HOST_NAME.test(text) && !/^[0-9.]+$/.test(text);
}

/** In either case. */
export function readTransport(text: string): Transport | undefined {
  const name = text.toLowerCase();
  return name === 'udp' || name === 'tcp' || name === 'tls' ? name : undefined;
}

/** 1 to 65535, or undefined. */
export function readPort(text: string): number | undefined {
  if (!/^[0-9]{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** A host name or an address, IPv6 without brackets. */
export interface HostAndPort {
  readonly host: string;
  readonly port?: number;
}

/** `host`, `host:port`, `[address]:port` or a bare address; undefined when it is none. */
export function readHostPort(text: string): HostAndPort | undefined {
  if (isIPv6(text)) return isHost(text) ? { host: text } : undefined;
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  const plain = /^([^:]*)(?::(.*))?$/.exec(text);
  const match = bracketed ?? plain;
  const host = match?.[1];
  if (host === undefined || !(isHost(host) && (bracketed === null || isIPv6(host)))) return undefined;
  const portText = match?.[2];
  if (portText === undefined) return { host };
  const port = readPort(portText);
  return port === undefined ? undefined : { host, port };
}

/**
 * Reads it; undefined when it is none. `say` is called with a better sentence when the mistake is a known one.
 */
export function readServerAddress(text: string, say: (what: string) => void): ServerAddress | undefined {
  const uri = /^(sips?):(.*)$/i.exec(text);
  const secure = uri?.[1]?.toLowerCase() === 'sips';
  const [address = '', ...parameters] = (uri?.[2] ?? text).split(';');
  if (address.includes('@')) {
    say('expected a host, without a user part: who registers is given by --user');
    return undefined;
  }
  const where = readHostPort(address);
  if (where === undefined) return undefined;
  let transport: Transport | undefined;
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.toLowerCase().split('=');
    if (name === 'transport') {
      transport = readTransport(value);
      if (transport === undefined) {
        say(`expected transport=udp, transport=tcp or transport=tls, not "${value}"`);
        return undefined;
      }
    } else if (name !== 'lr') return undefined;
  }
  if (!secure) return transport === undefined ? where : { ...where, transport };
  if (transport === 'udp') {
    say('expected sips: without transport=udp: TLS needs a connection');
    return undefined;
  }
  // §26.2.2: with sips, transport=tcp means TLS over TCP.
  return { ...where, transport: 'tls', secure };
}

/** A DNS server, `192.0.2.53` or `[2001:db8::53]:5353`, as the resolver takes it; undefined when it is no address. */
export function readDnsServer(text: string): string | undefined {
  const where = readHostPort(text);
  if (where === undefined || isIP(where.host) === 0) return undefined;
  const { host, port } = where;
  if (port === undefined) return host;
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
