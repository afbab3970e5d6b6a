/**
 * Whether the ports that a service wants are free, and whose they are when they are not (`/proc/net/udp`, `tcp`).
 */
import { type Finding, listed } from './check.ts';

/** A program that has a port. */
export interface PortOwner {
  readonly pid: number;
  readonly program: string;
}

/** What binding a port came to: free, taken by somebody, or refused by the system with that reason. */
export type PortState =
  | { readonly state: 'free' }
  | { readonly state: 'taken'; readonly owner?: PortOwner }
  | { readonly state: 'refused'; readonly why: string };

/** The SIP port over both transports; port 0 asks for any. */
export interface SipPortFacts {
  readonly port: number;
  readonly udp: PortState;
  readonly tcp: PortState;
}

/** Some of the RTP ports. */
export interface RtpPortFacts {
  readonly range: readonly [number, number];
  readonly tried: readonly { readonly port: number; readonly state: PortState }[];
}

const ownerInWords = (owner: PortOwner | undefined) =>
  owner === undefined
    ? 'another program (not one of ours to see)'
    : `${owner.program} (process ${owner.pid})`;

function reasonInWords(found: PortState): string {
  if (found.state === 'refused') return `cannot be had: ${found.why}`;
  return `belongs to ${ownerInWords(found.state === 'taken' ? found.owner : undefined)}`;
}

/** Whether `--sip-port` can be listened on. */
export function judgeSipPort({ port, udp, tcp }: SipPortFacts): Finding {
  const check = 'sip-port';
  const states = [['UDP', udp] as const, ['TCP', tcp] as const];
  const bad = states.filter(([, { state }]) => state !== 'free');
  const which = port === 0 ? 'any port' : `port ${port}`;
  if (bad.length === 0) return { check, verdict: 'ok', evidence: `${which} is free over UDP and TCP` };
  const reasons = bad.map(([transport, found]) => [transport, reasonInWords(found)] as const);
  const alike = reasons.length === 2 && reasons[0]?.[1] === reasons[1]?.[1];
  const evidence = alike
    ? `${which} over UDP and TCP ${reasons[0]?.[1]}`
    : reasons.map(([transport, why]) => `${which} over ${transport} ${why}`).join('; ');
  const taken = bad.some(([, { state }]) => state === 'taken');
  return {
    check,
    verdict: 'failed',
    evidence,
    cause: taken
      ? 'another SIP program, or another ringback, runs on this machine'
      : port < 1024 && port > 0
        ? 'ports below 1024 are for root'
        : 'the address of --bind is no address of this machine, or the system lets nobody listen there',
    next: taken
      ? 'end that program, or choose another port with --sip-port'
      : 'check --bind, then --sip-port',
  };
}

/** Whether there is room for audio. */
export function judgeRtpPorts({ range: [first, last], tried }: RtpPortFacts): Finding {
  const check = 'rtp-ports';
  const bad = tried.filter(({ state }) => state.state !== 'free');
  const range = `${first}-${last}`;
  if (bad.length === 0) {
    return { check, verdict: 'ok', evidence: `${tried.length} of ${range} were tried and are free` };
  }
  const refusals = bad.flatMap(({ state }) => (state.state === 'refused' ? [state.why] : []));
  if (refusals.length === tried.length) {
    return {
      check,
      verdict: 'failed',
      evidence: `none of ${range} can be had: ${refusals[0]}`,
      cause: 'the address of --bind is no address of this machine, or the system lets nobody listen there',
      next: 'check --bind, then --rtp-ports',
    };
  }
  const owners = bad.flatMap(({ state }) => (state.state === 'taken' && state.owner ? [state.owner] : []));
  const names = [...new Set(owners.map((owner) => ownerInWords(owner)))];
  const whose = names.length === 0 ? '' : `, of ${listed(names, 3)}`;
  const shown = listed(
    bad.map(({ port }) => String(port)),
    4,
  );
  const evidence = `${bad.length} of ${tried.length} tried in ${range} are not free: ${shown}${whose}`;
  // Ports that others have are passed over, so some of them do no harm.
  if (bad.length * 2 < tried.length) return { check, verdict: 'note', evidence };
  return {
    check,
    verdict: bad.length === tried.length ? 'failed' : 'warning',
    evidence,
    cause: 'another program that carries audio has the same range',
    next: 'choose another range with --rtp-ports',
  };
}

/** The socket's inode of whoever is bound to that port, out of `/proc/net/udp`, `tcp` and their IPv6 twins; a TCP socket counts when it listens. */
export function inodeOf(table: string, port: number, transport: 'udp' | 'tcp'): string | undefined {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const LISTEN = '0A';
  for (const row of table.split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/);
    if (local.slice(local.lastIndexOf(':') + 1) !== wanted) continue;
    if (transport === 'udp' || state === LISTEN) return inode;
  }
  return undefined;
}
