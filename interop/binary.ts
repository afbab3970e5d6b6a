/** Which ringback is judged. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dir, '..');

/** The words that start it: `RINGBACK` if that is set, else dist/ringback, else the sources. */
export function findRingback(): readonly string[] {
  const given = process.env.RINGBACK;
  if (given !== undefined && given !== '') return [resolve(given)];
  const built = join(root, 'dist', 'ringback');
  return existsSync(built) ? [built] : [process.execPath, join(root, 'src', 'main.ts')];
}
