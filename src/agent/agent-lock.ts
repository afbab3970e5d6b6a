/**
 * One agent a user: whoever holds the lock is it, from before it binds the socket until its end. The lock is one that
 * the kernel takes back when the process dies, however it dies; a file with a process number in it would be wrong
 * after a kill -9, and two who find it wrong at once would both take it.
 *
 * Bun gives no flock, but it gives SQLite, whose exclusive transaction is a POSIX lock on the file.
 */
import { Database } from 'bun:sqlite';

/** A lock that is held. */
export interface AgentLock {
  release(): void;
}

/** Whoever holds a lock holds it until the end, also when nothing refers to it: a collected Database is closed. */
const held = new Set<Database>();

/** Takes it at once, or undefined: another process has it. */
export function takeLock(file: string): AgentLock | undefined {
  const database = new Database(file, { create: true });
  try {
    // Nothing is ever written: no journal is needed beside it.
    database.run('PRAGMA journal_mode = MEMORY');
    database.run('BEGIN EXCLUSIVE');
    held.add(database);
    return {
      release() {
        held.delete(database);
        database.close();
      },
    };
  } catch (error) {
    database.close();
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY') return undefined;
    throw error;
  }
}
