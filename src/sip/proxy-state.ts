/** What a stateful proxy holds (RFC 3261 §16.2). One owner has it (proxy.ts); its functions are handed all of it. */
import type { CoreHeaders } from './core-headers.ts';
import type { Deadlines } from './deadlines.ts';
import type { NextHop } from './flow.ts';
import type { SipRequest } from './message.ts';
import type { ProxyBranch, ResponseContext } from './response-context.ts';
import type { Onward } from './route-preprocessing.ts';
import type { Places } from './target-set.ts';
import type { ServerTransaction } from './transaction.ts';
import type { UserAgent } from './user-agent.ts';

/** What the parts of the proxy share. */
export interface ProxyState extends Places {
  readonly agent: UserAgent;
  /** What our Record-Routes are signed with (route-token.ts). */
  readonly routeSecret: string;
  /** Requests whose final response has not been passed on. */
  readonly contexts: Map<ServerTransaction, ResponseContext>;
  readonly deadlines: Deadlines<ProxyBranch>;
  /** What waits for the address of its next hop. */
  readonly waiting: Set<Waiting>;
}

/** Something to be sent once a name has an address. */
export interface Waiting {
  readonly hop: NextHop;
  readonly onward: Onward;
  readonly what: ProxyBranch | StatelessAck;
}

/** The ACK to a 2xx, which no transaction sends (§16.7 step 10, §16.11). */
export interface StatelessAck {
  readonly kind: 'ack';
  readonly request: SipRequest;
  readonly core: CoreHeaders;
  /** The same for each retransmission of the ACK. */
  readonly branch: string;
}
