/**
 * INVITEs that were given up without a final response: their connection fell, or nobody answered in time (RFC 3261
 * §17.1.4, RFC 3263 §4.3). Another one is out, and the first may have reached a phone all the same.
 *
 * Why they are kept as long as the call: the transaction is over, so a 2xx to it would be a stray, and whoever answered
 * would wait 32 s for its ACK and then end the call (§13.2.2.4, §13.3.1.4).
 */
import type { Call } from './call.ts';
import type { CoreHeaders } from './core-headers.ts';
import type { EarlyDialog } from './early-dialog.ts';
import { MAX_GIVEN_UP } from './limits.ts';
import type { SipResponse } from './message.ts';
import type { ClientTransaction } from './transaction.ts';
import { clientKey } from './transaction-table.ts';

/** One of them. */
export interface GivenUpTry {
  readonly call: Call;
  readonly transaction: ClientTransaction<unknown>;
  /** The phones that it rang: what follows goes on with their numbers. */
  readonly early: ReadonlyMap<string, EarlyDialog>;
}

/** Those of all calls, by the key of their transaction; the last MAX_GIVEN_UP of each call. */
export class GivenUpTries {
  private readonly tries = new Map<string, GivenUpTry>();

  add(call: Call, transaction: ClientTransaction<unknown>): void {
    const { key } = transaction;
    call.givenUp = [...(call.givenUp ?? []), key];
    this.tries.set(key, { call, transaction, early: new Map(call.outgoing?.early) });
    if (call.givenUp.length > MAX_GIVEN_UP) this.tries.delete(call.givenUp.shift() ?? '');
  }

  /** The try that a 2xx is for; undefined for any other response. */
  find({ status }: SipResponse, core: CoreHeaders): GivenUpTry | undefined {
    if (status < 200 || status >= 300) return undefined;
    return this.tries.get(clientKey(core.via.branch, core.cseq.method));
  }

  /** The call is over. */
  forget({ givenUp = [] }: Call): void {
    for (const key of givenUp) this.tries.delete(key);
  }
}
