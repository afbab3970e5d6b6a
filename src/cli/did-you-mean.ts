/**
 * The nearest known word to one that is not known, so that a slip of the finger costs one look and not a manual.
 */

/** Edits between two words: one inserted, removed, replaced or swapped letter each (optimal string alignment). */
function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let best = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (row > 1 && column > 1 && swapped) best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}

/** The nearest of `known` within a third of the word's length, or the one that it is the start of. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 40) return undefined;
  const allowed = Math.max(1, Math.floor(word.length / 3));
  let found: string | undefined;
  let least = allowed + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate);
    if (distance < least) [least, found] = [distance, candidate];
  }
  return found ?? (word.length > 2 ? known.find((candidate) => candidate.startsWith(word)) : undefined);
}

/** " Did you mean --user?", or nothing. */
export function didYouMean(word: string, known: readonly string[], prefix = ''): string {
  const found = nearest(word, known);
  return found === undefined ? '' : ` Did you mean ${prefix}${found}?`;
}
