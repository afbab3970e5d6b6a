/**
 * What a proxy is responsible for (RFC 3261 §16.4, §16.5): its domain by name, and its own addresses.
 *
 * In a lab the name is often in no DNS, so a phone may write `100@lab.local` or `100@192.0.2.1`: both mean us.
 */
import type { HostPort } from './host-port.ts';
import type { UserAgent } from './user-agent.ts';

/** Whether a host and a port are those of this registrar. */
export class OwnDomain {
  private readonly name: string;

  /** `domain`: a host name or an address, IPv6 with brackets or without. */
  constructor(
    private readonly agent: UserAgent,
    domain: string,
  ) {
    this.name = domain.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  }

  /** Whether a URI of that host and port is one that we serve. Our name without a port is, wherever we listen. */
  isOurs({ host, port }: HostPort): boolean {
    const name = host.toLowerCase();
    if (name === this.name) return port === undefined || this.agent.own.listensAt(port);
    return this.listens(port, name);
  }

  /** Whether a Via was written by us: it has our address and our port (§16.6 step 8). */
  isOwnVia({ host, port }: HostPort): boolean {
    return this.listens(port, host.toLowerCase());
  }

  /** Without a port: that of SIP, or of SIP over TLS (§19.1.2). */
  private listens(port: number | undefined, name: string): boolean {
    const ports = port === undefined ? [5060, 5061] : [port];
    return ports.some((one) => this.agent.own.listensAt(one, name));
  }
}
