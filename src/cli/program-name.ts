/**
 * The names people know: linked as `sip-echo` the binary is `ringback echo`, linked as `sip_lab` or `sip-lab` it is
 * ringback. From its sources the program has the runtime's name, and this has no effect.
 */
import { basename } from 'node:path';

/** The words that the program's name stands for, before those that were typed. */
export function wordsOfName(argv0: string): readonly string[] {
  return /^sip[-_]echo(\.exe)?$/i.test(basename(argv0)) ? ['echo'] : [];
}
