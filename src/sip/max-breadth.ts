/**
 * Max-Breadth: how many ways a request may take at the same time, all proxies on its way together (RFC 5393 §5).
 *
 * Two users bound to each other through two proxies that fork would double a request with every hop, and Max-Forwards
 * alone would let that go on 70 times.
 */
import { type SipRequest, value } from './message.ts';
import { readDigits } from './text.ts';

/** What a request without the field gets (RFC 5393 §5.3.3). */
const DEFAULT_MAX_BREADTH = 60;
/** What is written larger counts as this. */
const MOST_MAX_BREADTH = 255;

/** What the request may still take; one that cannot be read counts as none given. */
export function maxBreadth(request: SipRequest): number {
  const breadth = readDigits(value(request, 'Max-Breadth') ?? '');
  return breadth < 0 ? DEFAULT_MAX_BREADTH : Math.min(breadth, MOST_MAX_BREADTH);
}

/** The groups so cut that none is wider than that; what does not go at once goes later. */
export function withinBreadth<T>(
  groups: readonly (readonly T[])[],
  breadth: number,
): readonly (readonly T[])[] {
  return groups.flatMap((group) => {
    const cuts: (readonly T[])[] = [];
    for (let start = 0; start < group.length; start += breadth)
      cuts.push(group.slice(start, start + breadth));
    return cuts;
  });
}
