/** Lines out of a stream of text, in any cut, with a bound: the other end of a socket may be anybody's program. */

/** A line over the bound; the stream cannot be understood any more. */
export class LineTooLong extends Error {}

/** A function of chunks: the lines that each completes, without their ends. Throws `LineTooLong`. */
export function lineSplitter(longest: number): (chunk: string) => string[] {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of [...lines, rest]) {
      if (line.length > longest) throw new LineTooLong(`a line of more than ${longest} characters`);
    }
    return lines.filter((line) => line !== '');
  };
}
