/**
 * What it means that nobody answered a request of ours, or that it could not be sent (RFC 3261 §8.1.3.1): the same for
 * a REGISTER and an INVITE, in words for the person at the terminal.
 */
import type { Advice } from './diagnosis.ts';
import { type Flow, formatAddress, type NextHop, type Transport } from './flow.ts';

/** A try that brought no answer. */
export interface Unanswered {
  readonly reason: string;
  /** Where it went; absent when no server was found. */
  readonly flow: Flow | undefined;
  /** The server answered before. */
  readonly stood: boolean;
}

/** "pbx.example.org, 192.0.2.1:5060 over UDP": the server that was tried last, which SRV may have named. */
export function whereTried({ host }: NextHop, flow: Flow | undefined): string {
  if (flow === undefined) return host;
  const at = `${formatAddress(flow.remote)} over ${flow.transport.toUpperCase()}`;
  return host === flow.remote.address ? at : `${host}, ${at}`;
}

/** Nobody is led off TLS. */
const OTHER_WAY: Readonly<Record<Transport, string>> = {
  udp: 'many servers speak one transport alone, so try --transport tcp',
  tcp: 'many servers speak one transport alone, so try --transport udp',
  tls: 'most servers speak TLS on a port of its own, 5061',
};

const TLS_OFF = 'see whether TLS is switched on there, as it is not with every server';

/** The system's own word: nothing has left this machine. */
const NO_WAY = /\b(ENETUNREACH|EINVAL|EADDRNOTAVAIL|EAFNOSUPPORT|ENETDOWN|no route to the host)\b/;

/** What is likely, and what to look at next. `named`: where the person said whom to ask. */
export function adviceOnSilence({ reason, flow, stood }: Unanswered, named: string): Advice {
  if (flow === undefined) return adviceOnName(reason);
  // The words of io/other-family.ts.
  if (/\bwe are bound to\b/.test(reason)) {
    return {
      cause: '--bind is an address of the other family than the server has',
      next: 'leave --bind out, or give it an address of the same kind as the server has',
    };
  }
  if (NO_WAY.test(reason)) {
    return {
      cause:
        'this machine has no way there: no network, no route, or --bind names an address of another network',
      next: 'check the network, and --bind; ringback doctor shows the addresses and routes that there are',
    };
  }
  if (stood) {
    return {
      cause: 'the server answered before: it is being started again, or the way to it is cut',
      next: 'nothing, if that is known: it is tried again by itself; if not, see whether the server runs',
    };
  }
  const { transport } = flow;
  return {
    cause: `nothing that speaks SIP over ${transport.toUpperCase()} answers there, or a firewall is in the way`,
    next: `check ${named}; ${transport === 'tls' && flow.remote.port === 5061 ? TLS_OFF : OTHER_WAY[transport]}`,
  };
}

/** No server was found. The words are those of server-location.ts. */
function adviceOnName(reason: string): Advice {
  if (NO_WAY.test(reason)) {
    return {
      cause: 'this machine has no way to its name server: no network, or no route',
      next: 'check the network; ringback doctor shows the addresses and routes that there are',
    };
  }
  if (reason.includes('could not be looked up in DNS')) {
    return {
      cause: 'the name server is down, or a firewall drops questions to it, or there is no network',
      next: 'ask another one with --dns; ringback doctor shows each question and what became of it',
    };
  }
  return {
    cause: 'the name is misspelt, or known in another network alone (VPN, office DNS)',
    next: 'compare it with what the provider wrote; ringback doctor shows what DNS answers',
  };
}
