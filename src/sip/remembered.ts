/**
 * Texts that come again and again: the address of a provider, `PCMU/8000` in its offers. What was read of one is kept,
 * because reading it again, in every message of every call, is most of what reading costs.
 *
 * Only for what is the same wherever the text stands, and is never changed by who gets it.
 */
import { MAX_REMEMBERED_LENGTH, MAX_REMEMBERED_TEXTS } from './limits.ts';

/** The function, which forgets all it knows when it knows too much; a long text is read anew each time. */
export function remembering<Read>(read: (text: string) => Read): (text: string) => Read {
  const known = new Map<string, Read>();
  return (text) => {
    if (text.length > MAX_REMEMBERED_LENGTH) return read(text);
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= MAX_REMEMBERED_TEXTS) known.clear();
    const now = read(text);
    known.set(text, now);
    return now;
  };
}
