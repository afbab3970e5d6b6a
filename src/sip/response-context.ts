/**
 * The response context: one request that a stateful proxy has sent on, the ways that it took, and what came back
 * (RFC 3261 §16.2, §16.7). Data alone; proxy.ts moves it.
 */
import type { CoreHeaders } from './core-headers.ts';
import type { Deadline } from './deadlines.ts';
import type { ServerHop } from './flow.ts';
import type { SipRequest, SipResponse } from './message.ts';
import type { Onward } from './route-preprocessing.ts';
import type { HeaderLine } from './serialize-message.ts';
import type { Target } from './target-set.ts';
import type { ClientTransaction, ServerTransaction } from './transaction.ts';

/** Lives until a final response was passed on and no way is open any more. Mutable. */
export interface ResponseContext {
  readonly server: ServerTransaction;
  /** As it came, for the copies of ways that are still to be tried and for answers of our own. */
  readonly request: SipRequest;
  readonly core: CoreHeaders;
  /** Route values after ours. */
  readonly routes: readonly string[];
  /** Of loop-detection.ts. */
  readonly hash: string;
  /** Ways that it may take at once (RFC 5393 §5). */
  readonly breadth: number;
  readonly branches: ProxyBranch[];
  /** Groups of targets that are tried when those before them have all failed. */
  untried: readonly (readonly Target[])[];
  /** Final responses but 2xx, as they would be passed on. */
  readonly finals: SipResponse[];
  /** A final response was passed on. */
  answered: boolean;
}

/** One way of a forwarded request; the user of its client transaction. */
export interface ProxyBranch {
  readonly kind: 'branch';
  readonly context: ResponseContext;
  readonly target: Target;
  /** Its share of them. */
  readonly breadth: number;
  /** `resolving`: its next hop is a name that was asked for. `done`: it has its final response. */
  state: 'resolving' | 'calling' | 'proceeding' | 'done';
  /** Further servers of its next hop, the next one first. */
  others: readonly { readonly server: ServerHop; readonly onward: Onward }[];
  transaction: ClientTransaction<unknown> | undefined;
  /** It is to be cancelled, and why (RFC 3326); the CANCEL itself waits for a provisional response (§9.1). */
  cancel: readonly HeaderLine[] | undefined;
  /** Timer C (§16.6 step 11), or the wait for the final response after a CANCEL (§9.1). */
  timer: Deadline<ProxyBranch> | undefined;
}

/** A way that is to be taken. */
export function newBranch(context: ResponseContext, target: Target, breadth: number): ProxyBranch {
  return {
    kind: 'branch',
    context,
    target,
    breadth,
    state: 'resolving',
    others: [],
    transaction: undefined,
    cancel: undefined,
    timer: undefined,
  };
}

/** Whether all ways that were tried have their final response. */
export function allDone({ branches }: ResponseContext): boolean {
  return branches.every(({ state }) => state === 'done');
}
