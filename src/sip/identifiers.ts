/**
 * Every identifier that ringback makes up: tags (RFC 3261 §19.3), branches (§8.1.1.7), Call-IDs (§8.1.1.4),
 * SSRCs, cnonces. All come from one generator whose seed is an argument, so that the same seed gives the same
 * bytes in a test or a replay. A real run seeds it from the operating system's randomness.
 *
 * The generator is SHA-256 over the seed and a counter: whoever sees some of our tags can compute neither the ones
 * before nor the ones to come, and nonces, the proof of an address and the token of a route all come from here.
 */
import { createHash } from 'node:crypto';
import { MAGIC_COOKIE } from './via.ts';

/** Bytes of the seed, and of the counter behind it. */
const SEED_BYTES = 16;
const COUNTER_BYTES = 6;
const DIGITS_A_WORD = 8;

/** Everything random in a session comes out of one of these, so that a seed repeats it. */
export class Identifiers {
  /** The seed and the counter: what is hashed next. */
  private readonly input = Buffer.alloc(SEED_BYTES + COUNTER_BYTES);
  private counter = 0;
  /** The last hash, as hexadecimal digits: what most identifiers are made of. */
  private block = '';
  private used = 0;

  constructor(seed: readonly [number, number, number, number]) {
    seed.forEach((word, place) => {
      this.input.writeUInt32BE(word >>> 0, 4 * place);
    });
  }

  /** 32 random bits. */
  word(): number {
    return Number.parseInt(this.hex(), 16);
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

  /** 32 random bits, as eight digits. */
  private hex(): string {
    if (this.used === this.block.length) {
      this.input.writeUIntBE(this.counter++, SEED_BYTES, COUNTER_BYTES);
      this.block = createHash('sha256').update(this.input).digest('hex');
      this.used = 0;
    }
    this.used += DIGITS_A_WORD;
    return this.block.slice(this.used - DIGITS_A_WORD, this.used);
  }
}
