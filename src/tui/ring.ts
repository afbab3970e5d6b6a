/**
 * The last N of something, oldest first. The screen remembers with rings, because a service runs for weeks and its
 * screen must not grow.
 */
export class Ring<T> {
  private items: T[] = [];
  private start = 0;
  /** How many were ever added: the number of the newest is one less. */
  added = 0;

  /** @param capacity how many are kept, 1 or more */
  constructor(private readonly capacity: number) {}

  push(item: T): void {
    if (this.items.length < this.capacity) this.items.push(item);
    else {
      this.items[this.start] = item;
      this.start = (this.start + 1) % this.capacity;
    }
    this.added += 1;
  }

  get length(): number {
    return this.items.length;
  }

  /** By place, 0 is the oldest; negative counts from the newest. */
  at(place: number): T | undefined {
    const from = place < 0 ? this.items.length + place : place;
    if (from < 0 || from >= this.items.length) return undefined;
    return this.items[(this.start + from) % this.items.length];
  }

  last(): T | undefined {
    return this.at(-1);
  }

  *[Symbol.iterator](): Generator<T> {
    for (let place = 0; place < this.items.length; place++) yield this.at(place) as T;
  }
}
