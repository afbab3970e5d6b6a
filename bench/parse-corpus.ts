/**
 * The messages that parsers are measured with: many of a few kinds, no two alike.
 *
 * In every message that a service gets another branch, tag, Call-ID, user, phone and nonce stands, while domains and
 * makes of phones are the same few. A parser that remembers texts would win a bench that repeats its messages, and
 * little else.
 */
import { Buffer } from 'node:buffer';
import { sipFixture } from '../fixtures/sip/read.ts';

/** What an echo sees most: an INVITE with an offer, the 200 with an answer, BYE, REGISTER with credentials. */
const KINDS = ['invite-desk-phone-udp', 'ok-invite', 'bye', 'register-tcp'];

/** Variants of each kind; 2.6 MB in all. */
const VARIANTS = 1_024;

/** What another message has otherwise. */
const VARYING: readonly RegExp[] = [
  // Identifiers, and what a digest is made of.
  /(?<=z9hG4bK|\btag=|^Call-ID: |nonce="|response=")[\w.]+/gm,
  // Users.
  /(?<=sip:\+?|username=")\w+(?=[@"])/g,
  // The last part of a phone's address.
  /(?<=192\.168\.20\.|10\.1\.1\.|192\.0\.2\.)\d+/g,
];

/** All of them, the kinds in turns; the same in every run. */
export function corpus(): readonly Buffer[] {
  const texts = KINDS.map((name) => Buffer.from(sipFixture(name)).toString('latin1'));
  const random = generator(1);
  return Array.from({ length: VARIANTS }, () => texts.map((text) => variant(text, random))).flat();
}

/** Its body is left as it is. A word that stands twice in a head is the same word in the variant. */
function variant(text: string, random: () => number): Buffer {
  const headEnd = text.indexOf('\r\n\r\n');
  const words = new Map<string, string>();
  const other = (word: string): string => {
    const chosen = words.get(word) ?? anotherWord(word, random);
    words.set(word, chosen);
    return chosen;
  };
  const head = VARYING.reduce((varied, place) => varied.replace(place, other), text.slice(0, headEnd));
  return Buffer.from(head + text.slice(headEnd), 'latin1');
}

/** As long as it was: digits for digits (at most 2, as the first of an address), letters for letters. */
function anotherWord(word: string, random: () => number): string {
  const below = (limit: number): number => Math.floor(random() * limit);
  const digits = word.length <= 2 ? 2 : 10;
  return word
    .replace(/\d/g, () => String(below(digits)))
    .replace(/[a-z]/g, () => String.fromCharCode(0x61 + below(6)));
}

/** Numbers from 0 to 1, the same in every run: a linear congruential generator. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
