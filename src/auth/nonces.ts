/**
 * The nonces of a server (RFC 7616 §3.3): given out without being remembered, remembered once they are used.
 *
 * A nonce carries its own time and is signed, so that a flood of requests without credentials costs no memory.
 * What has to be kept is how often a nonce was used, because a count that does not rise is a replay (§5.5).
 */

import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Used nonces that are remembered. Older ones that drop out of the memory are called stale. */
const MAX_REMEMBERED = 10_000;
/** After this a nonce is stale, in ms. */
const DEFAULT_LIFETIME_MS = 300_000;

/** What the nonce of right credentials is worth. */
export type NonceCheck =
  /** Good, and used up to this count from now on. */
  | 'ok'
  /** Ours, and too old or used before by a client that does not count: give a new one with stale=true. */
  | 'stale'
  /** Not given out by us. */
  | 'foreign'
  /** A count that was used before. */
  | 'replayed';

/** The nonces of one realm. */
export class Nonces {
  readonly #secret: string;
  readonly #lifetimeMs: number;
  readonly #limit: number;
  /** The highest count of each used nonce, in the order of first use. */
  readonly #used = new Map<string, number>();
  #serial = 0;
  /** Nonces as old as this, or older, may have been forgotten. */
  #forgottenMs = -1;

  /** `secret`: from the seeded generator, 128 bits or more. */
  constructor(secret: string, lifetimeMs = DEFAULT_LIFETIME_MS, limit = MAX_REMEMBERED) {
    this.#secret = secret;
    this.#lifetimeMs = lifetimeMs;
    this.#limit = limit;
  }

  /** A new nonce, unlike any before: two clients that share one would spoil each other's count. */
  issue(nowMs: number): string {
    this.#serial += 1;
    const plain = `${Math.floor(nowMs).toString(16)}.${this.#serial.toString(16)}`;
    return `${plain}.${this.#sign(plain)}`;
  }

  /** Judges a nonce whose digest was right, and counts it as used. `nc` is absent in the form without qop. */
  use(nonce: string, nc: number | undefined, nowMs: number): NonceCheck {
    const issuedMs = this.#issuedMs(nonce);
    if (issuedMs === undefined) return 'foreign';
    if (nowMs - issuedMs > this.#lifetimeMs) return 'stale';
    const highest = this.#used.get(nonce);
    if (highest === undefined && issuedMs <= this.#forgottenMs) return 'stale';
    // Without a count a nonce is good for once: the second time may be a replay or an old client.
    if (nc === undefined && highest !== undefined) return 'stale';
    if (highest !== undefined && nc !== undefined && nc <= highest) return 'replayed';
    this.#remember(nonce, nc ?? Number.MAX_SAFE_INTEGER, highest === undefined);
    return 'ok';
  }

  #remember(nonce: string, nc: number, first: boolean): void {
    const oldest = this.#used.keys().next().value;
    if (first && this.#used.size >= this.#limit && oldest !== undefined) {
      this.#used.delete(oldest);
      this.#forgottenMs = Math.max(this.#forgottenMs, this.#issuedMs(oldest) ?? -1);
    }
    this.#used.set(nonce, nc);
  }

  /** Undefined when the nonce is not one of ours. */
  #issuedMs(nonce: string): number | undefined {
    const end = nonce.lastIndexOf('.');
    const plain = nonce.slice(0, Math.max(end, 0));
    if (!/^[0-9a-f]{1,14}\.[0-9a-f]{1,14}$/.test(plain)) return undefined;
    const [given, right] = [Buffer.from(nonce.slice(end + 1)), Buffer.from(this.#sign(plain))];
    if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
    return Number.parseInt(plain, 16);
  }

  #sign(plain: string): string {
    return createHmac('sha256', this.#secret).update(plain).digest('hex').slice(0, 32);
  }
}
