/**
 * Every identifier that ringback makes up: tags (RFC 3261 §19.3), branches (§8.1.1.7), Call-IDs (§8.1.1.4),
 * SSRCs, cnonces. All come from one generator whose seed is an argument, so that the same seed gives the same
 * bytes in a test or a replay. A real run seeds it from the operating system's randomness.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, three words of output history.
 */
import { MAGIC_COOKIE } from './via.ts';

export class Identifiers {
  private a: number;
  private b: number;
  private c: number;
  private counter: number;

  constructor(seed: readonly [number, number, number, number]) {
    [this.a, this.b, this.c, this.counter] = seed;
    for (let round = 0; round < 15; round++) this.word();
  }

  /** 32 random bits. */
  word(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A fraction in [0, 1), for jitter. */
  fraction(): number {
    return this.word() / 0x1_0000_0000;
  }

  /** A From or To tag, 64 bits: unique and hard to guess (§19.3 asks for 32). */
  tag(): string {
    return this.hex() + this.hex();
  }

  /** A Via branch (§8.1.1.7). */
  branch(): string {
    return MAGIC_COOKIE + this.hex() + this.hex();
  }

  /** A Call-ID, or the suffix of one: 96 bits. */
  callId(): string {
    return this.hex() + this.hex() + this.hex();
  }

  /** A digest client nonce, 128 bits (RFC 7616 §3.4). */
  cnonce(): string {
    return this.hex() + this.hex() + this.hex() + this.hex();
  }

  private hex(): string {
    return this.word().toString(16).padStart(8, '0');
  }
}
