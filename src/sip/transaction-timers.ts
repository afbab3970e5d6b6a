/**
 * The timers of transactions (RFC 3261 §17, Appendix A), as the rows of the four machines name them: `arm A`, `double G`,
 * `disarm B`, `slow E`. All are deadlines in one heap; what a timer means when it fires stands in the tables.
 */
import { Deadlines } from './deadlines.ts';
import { isReliable } from './flow.ts';
import { remembering } from './remembered.ts';
import { doubledMs, endingTimer, type TimerBase, type TimerName, timerMs } from './timers.ts';
import type { Transaction } from './transaction.ts';
import type { Turn } from './turn.ts';

/** What a row says: every transaction goes through the same few. */
const readAction = remembering((action) => {
  const [verb = '', name = ''] = action.split(' ');
  return { verb, name: name as TimerName };
});

/** Those of all transactions of an endpoint. */
export class TransactionTimers {
  private readonly deadlines = new Deadlines<Transaction<unknown>>();

  constructor(private readonly base: TimerBase) {}

  nextMs(): number | undefined {
    return this.deadlines.nextMs();
  }

  /** The next one whose time has come. */
  takeDue(nowMs: number): { readonly name: TimerName; readonly owner: Transaction<unknown> } | undefined {
    return this.deadlines.takeDue(nowMs) as { name: TimerName; owner: Transaction<unknown> } | undefined;
  }

  /** `arm X`, `double X`, `disarm X`; `slow E`: at T2, once a provisional response came (§17.1.2.2). */
  carryOut(turn: Turn, transaction: Transaction<unknown>, action: `${string} ${string}`): void {
    const { verb, name } = readAction(action);
    if (verb === 'disarm') {
      this.deadlines.disarm(transaction.timers[name]);
    } else if (verb === 'slow') {
      this.arm(turn, transaction, name, this.base.t2Ms);
    } else if (verb === 'double') {
      const lastMs = transaction.repeatMs ?? this.base.t1Ms;
      this.arm(turn, transaction, name, doubledMs(name, lastMs, this.base));
    } else {
      const intervalMs = timerMs(name, isReliable(transaction.flow.transport), this.base);
      if (intervalMs !== undefined) this.arm(turn, transaction, name, intervalMs);
    }
  }

  disarmAll(transaction: Transaction<unknown>): void {
    for (const name in transaction.timers) {
      this.deadlines.disarm(transaction.timers[name as TimerName]);
    }
  }

  private arm(turn: Turn, transaction: Transaction<unknown>, name: TimerName, intervalMs: number): void {
    transaction.timers[name] = this.deadlines.arm(turn.nowMs + intervalMs, name, transaction);
    if (endingTimer(name) !== undefined) transaction.repeatMs = intervalMs;
  }
}
