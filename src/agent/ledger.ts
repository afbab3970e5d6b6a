/**
 * What the agent holds, on disk for as long as it holds it: addresses and handles, no secrets. An agent that ends as
 * it should removes it; so one that is found belongs to an agent that was killed, and says what was lost.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type Lost, lost } from './control-message.ts';

/** The file, beside the socket. */
export const LEDGER = 'agent.json';

/** Writes it whole: a reader finds the old one or the new one. */
export function writeLedger(file: string, held: Lost): void {
  const draft = `${file}.new`;
  writeFileSync(draft, `${JSON.stringify(held)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

/** What the file says, when it says that something was held. */
export function readLedger(file: string): Lost | undefined {
  try {
    const read = lost.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return read.success && read.data.accounts.length + read.data.calls.length > 0 ? read.data : undefined;
  } catch {
    return undefined;
  }
}

/** The agent ended as it should. */
export function removeLedger(file: string): void {
  rmSync(file, { force: true });
}

/** The sentence for the person. */
export function describeLost({ pid, accounts, calls }: Lost): string {
  const parts = [
    ...(accounts.length === 0 ? [] : [`the registration of ${accounts.join(', ')}`]),
    ...(calls.length === 0 ? [] : [`the call ${calls.join(', ')}`]),
  ];
  return `The agent (process ${pid}) ended without a word; lost with it: ${parts.join(' and ')}.`;
}
