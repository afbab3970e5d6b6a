/**
 * Answers of DNS, kept for as long as they say (RFC 1035 §3.2.1), "there is none" too (RFC 2308 §5). One for all that
 * an endpoint asks: registrations, calls, pings and its proxy.
 *
 * Why an answer outlives its time: when no server of DNS can be asked, where the provider was an hour ago is the best
 * that anybody knows, and a registration that stands must not fall because of it (RFC 8767). Whatever is old is asked
 * for first, and taken only when nobody answers.
 */

import { MAX_DNS_ANSWERS } from '../sip/limits.ts';
import type { Found, Question } from './dns-answer.ts';

/** The longest that an answer counts as fresh, in seconds, whatever it says: a day, RFC 8767 §4 allows a week. */
export const MAX_TTL_S = 86_400;
/** The same for "there is none": who has just written the records wants them found (RFC 2308 §5 has three hours). */
export const MAX_NEGATIVE_TTL_S = 900;
/** How long after that an answer may still serve when DNS is away, in seconds (RFC 8767 §5: one to three days). */
export const MAX_STALE_S = 86_400;
/** After nobody answered a question it is not asked again for so long, in ms (RFC 9520 §3.2: 1 s to 5 min). */
export const FAILURE_MS = 5_000;

/** An answer, or why nobody gave one. */
export type Outcome = Found | { readonly failed: string };

interface Kept {
  /** Absent: there was never one, only failures. */
  readonly found?: Found;
  /** Until when it is as good as a new one. */
  readonly freshUntilMs: number;
  readonly staleUntilMs: number;
  /** Not to be asked before, and why it was not answered. */
  readonly failure?: { readonly code: string; readonly untilMs: number };
}

const NEVER: Kept = { freshUntilMs: 0, staleUntilMs: 0 };

/** At most `MAX_DNS_ANSWERS`, the one asked for longest ago goes first. */
export class DnsCache {
  private readonly kept = new Map<string, Kept>();
  /** Questions that are out: who asks the same waits for the same answer. */
  private readonly out = new Map<string, Promise<Outcome>>();

  constructor(
    private readonly ask: (question: Question) => Promise<Outcome>,
    private readonly nowMs: () => number,
  ) {}

  /** Answers held. */
  get size(): number {
    return this.kept.size;
  }

  /** The answer to a question: a fresh one that is kept, else a new one if `mayAsk`, else a stale one. */
  async find(question: Question, mayAsk: boolean): Promise<Outcome> {
    const key = `${question.type} ${question.name.replace(/\.$/, '').toLowerCase()}`;
    const known = this.kept.get(key);
    if (known !== undefined) {
      // Asked for last, forgotten last.
      this.kept.delete(key);
      this.kept.set(key, known);
      if (known.found !== undefined && this.nowMs() < known.freshUntilMs) return known.found;
      if (known.failure !== undefined && this.nowMs() < known.failure.untilMs) {
        return this.withoutServer(known, known.failure.code);
      }
    }
    if (!mayAsk) return this.withoutServer(known ?? NEVER, 'ETIMEOUT');
    const out = this.out.get(key);
    if (out !== undefined) return out;
    const asked = this.ask(question)
      .then((outcome) => this.take(key, outcome))
      .finally(() => this.out.delete(key));
    this.out.set(key, asked);
    return asked;
  }

  private take(key: string, outcome: Outcome): Outcome {
    const nowMs = this.nowMs();
    if ('failed' in outcome) {
      const known = this.kept.get(key) ?? NEVER;
      this.keep(key, { ...known, failure: { code: outcome.failed, untilMs: nowMs + FAILURE_MS } });
      return this.withoutServer(known, outcome.failed);
    }
    const negative = outcome.records.length === 0;
    const ttlS = Math.min(outcome.ttlS, negative ? MAX_NEGATIVE_TTL_S : MAX_TTL_S);
    // 0: for whoever asked just now, and nobody else (RFC 1035 §3.2.1).
    if (ttlS <= 0) this.kept.delete(key);
    else {
      const freshUntilMs = nowMs + ttlS * 1000;
      const staleUntilMs = negative ? freshUntilMs : freshUntilMs + MAX_STALE_S * 1000;
      this.keep(key, { found: outcome, freshUntilMs, staleUntilMs });
    }
    return outcome;
  }

  private withoutServer({ found, staleUntilMs }: Kept, code: string): Outcome {
    return found !== undefined && this.nowMs() < staleUntilMs ? found : { failed: code };
  }

  private keep(key: string, kept: Kept): void {
    this.kept.delete(key);
    this.kept.set(key, kept);
    const [oldest] = this.kept.keys();
    if (this.kept.size > MAX_DNS_ANSWERS && oldest !== undefined) this.kept.delete(oldest);
  }
}
