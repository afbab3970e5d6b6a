/**
 * Timers as data. A machine arms a deadline, which starts nothing; whoever drives the endpoint holds one timer
 * for the earliest. So a test, a simulation and a replay jump the clock, and nothing leaks.
 *
 * A binary heap by time, then by the order of arming, so that equal times fire in a repeatable order. A disarmed
 * deadline stays in the heap as an empty place until its time comes or until empty places are the majority.
 */

/** One armed deadline. `owner` is undefined once it was disarmed or has fired. */
export interface Deadline<Owner> {
  readonly atMs: number;
  /** What it is for: an RFC timer ("Timer G") or a name of ours ("refresh"). */
  readonly name: string;
  readonly order: number;
  owner: Owner | undefined;
}

/** Empty places that are tolerated before the heap is rebuilt without them. */
const MAX_EMPTY = 1_024;

/** A heap by time; `Owner` is whoever armed one and is told of it. */
export class Deadlines<Owner> {
  private readonly heap: Deadline<Owner>[] = [];
  private armedSoFar = 0;
  private empty = 0;

  /** Deadlines that are armed and have not fired. */
  get size(): number {
    return this.heap.length - this.empty;
  }

  /** Places in the heap, empty ones too: what memory it takes. */
  get places(): number {
    return this.heap.length;
  }

  /** Arms a deadline at `atMs`; a time that has passed fires at the next look. */
  arm(atMs: number, name: string, owner: Owner): Deadline<Owner> {
    const deadline = { atMs, name, order: this.armedSoFar++, owner };
    this.heap.push(deadline);
    this.rise(this.heap.length - 1);
    return deadline;
  }

  /** Disarms it; one that has fired, or none at all, is no mistake. */
  disarm(deadline: Deadline<Owner> | undefined): void {
    if (deadline?.owner === undefined) return;
    deadline.owner = undefined;
    this.empty += 1;
    if (this.empty > MAX_EMPTY && this.empty * 2 > this.heap.length) this.rebuild();
  }

  /** The earliest armed time. */
  nextMs(): number | undefined {
    this.dropEmptyRoots();
    return this.heap[0]?.atMs;
  }

  /** Takes the earliest deadline whose time has come, with its owner. */
  takeDue(nowMs: number): { readonly name: string; readonly owner: Owner } | undefined {
    this.dropEmptyRoots();
    const root = this.heap[0];
    if (root === undefined || root.owner === undefined || root.atMs > nowMs) return undefined;
    const due = { name: root.name, owner: root.owner };
    root.owner = undefined;
    this.removeRoot();
    return due;
  }

  private dropEmptyRoots(): void {
    while (this.heap.length > 0 && this.heap[0]?.owner === undefined) {
      this.empty -= 1;
      this.removeRoot();
    }
  }

  private removeRoot(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    this.sink(0);
  }

  private rebuild(): void {
    const live = this.heap.filter((deadline) => deadline.owner !== undefined).sort(compare);
    this.heap.length = 0;
    for (const deadline of live) this.heap.push(deadline);
    this.empty = 0;
  }

  private rise(start: number): void {
    const { heap } = this;
    const moving = heap[start] as Deadline<Owner>;
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Deadline<Owner>;
      if (compare(above, moving) <= 0) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = moving;
  }

  private sink(start: number): void {
    const { heap } = this;
    const moving = heap[start] as Deadline<Owner>;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && compare(right, left) < 0) child += 1;
      const below = heap[child] as Deadline<Owner>;
      if (compare(moving, below) <= 0) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = moving;
  }
}

function compare(a: Deadline<unknown>, b: Deadline<unknown>): number {
  return a.atMs - b.atMs || a.order - b.order;
}
