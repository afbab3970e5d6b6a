/**
 * The time of a virtual network: it jumps to the next thing that happens, an arrival or a deadline that somebody armed.
 *
 * An arrival goes before a deadline of the same moment: what comes in time has come in time.
 */
import { type Deadline, Deadlines } from '../sip/deadlines.ts';

/** Who has a deadline. */
interface Sleeper {
  readonly name: string;
  readonly actor: { deadlineMs(): number | undefined };
}

export class VirtualClock<T extends Sleeper> {
  nowMs = 0;
  private readonly arrivals = new Deadlines<() => void>();
  /** When each wants to be called, as it said last. */
  private readonly wakes = new Deadlines<T>();
  private readonly wakeOf = new Map<T, Deadline<T>>();

  /** `wake`: whose deadline has come. */
  constructor(private readonly wake: (sleeper: T) => void) {}

  /** Something happens then. */
  at(atMs: number, what: () => void): void {
    this.arrivals.arm(atMs, 'arrival', what);
  }

  /** When one wants to be called next; undefined: not at all. */
  schedule(sleeper: T, deadlineMs: number | undefined): void {
    const armed = this.wakeOf.get(sleeper);
    if (armed?.owner !== undefined && armed.atMs === deadlineMs) return;
    this.wakes.disarm(armed);
    if (deadlineMs === undefined) this.wakeOf.delete(sleeper);
    else this.wakeOf.set(sleeper, this.wakes.arm(deadlineMs, 'wake', sleeper));
  }

  /** When something happens next; undefined: never. */
  nextMs(): number | undefined {
    const [arrivalMs, wakeMs] = [this.arrivals.nextMs(), this.wakes.nextMs()];
    if (arrivalMs === undefined || wakeMs === undefined) return arrivalMs ?? wakeMs;
    return Math.min(arrivalMs, wakeMs);
  }

  /** The next arrival or deadline by `untilMs`; false when there is none. */
  step(untilMs: number): boolean {
    const nextMs = this.nextMs();
    if (nextMs === undefined || nextMs > untilMs) return false;
    this.nowMs = Math.max(this.nowMs, nextMs);
    const arrival = this.arrivals.takeDue(this.nowMs);
    if (arrival !== undefined) {
      arrival.owner();
      return true;
    }
    const due: T[] = [];
    for (let wake = this.wakes.takeDue(this.nowMs); wake; wake = this.wakes.takeDue(this.nowMs)) {
      due.push(wake.owner);
    }
    for (const sleeper of due) {
      this.wake(sleeper);
      const again = sleeper.actor.deadlineMs();
      if (again !== undefined && again <= this.nowMs) {
        throw new Error(`${sleeper.name} has a deadline at ${again} that ${this.nowMs} did not settle`);
      }
    }
    return true;
  }
}
