/** What a seed decides, drawn in order: the same seed, the same run. */
import { Identifiers } from '../src/sip/identifiers.ts';

export class Chance {
  private readonly source: Identifiers;

  constructor(seed: number, stream: number) {
    this.source = new Identifiers([seed, stream, 4711, 1]);
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.source.fraction() * (most - least + 1));
  }

  /** True so often of a hundred times. */
  percent(often: number): boolean {
    return this.source.fraction() * 100 < often;
  }

  fraction(): number {
    return this.source.fraction();
  }

  one<T>(among: readonly T[]): T {
    return among[this.between(0, among.length - 1)] as T;
  }
}
