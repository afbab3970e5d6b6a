/**
 * The body of a message-waiting NOTIFY: application/simple-message-summary (RFC 3842 §3.5, §5).
 *
 * Voice messages alone are counted: the other classes (fax, pager, text) are rare, and a sum over them would be
 * a number that no phone shows.
 */
import { MAX_BODY_BYTES, MAX_HEADER_FIELDS } from './limits.ts';
import { fail, ok, type Result } from './result.ts';

/** What waits for an account. */
export interface MessageWaiting {
  readonly waiting: boolean;
  /** The account, as the server names it: a URI. */
  readonly account?: string;
  readonly newMessages?: number;
  readonly oldMessages?: number;
  readonly newUrgent?: number;
  readonly oldUrgent?: number;
}

/** Reads the body. Error: `message-waiting-malformed`, 400, when Messages-Waiting is missing or neither yes nor no. */
export function parseMessageWaiting(text: string): Result<MessageWaiting> {
  const fields = readFields(text.slice(0, MAX_BODY_BYTES));
  const waiting = fields.get('messages-waiting')?.toLowerCase();
  if (waiting !== 'yes' && waiting !== 'no') {
    return fail('message-waiting-malformed', 0, 400, 'Messages-Waiting is missing or neither yes nor no');
  }
  const account = fields.get('message-account');
  return ok({
    waiting: waiting === 'yes',
    ...(account ? { account } : {}),
    ...readCounts(fields.get('voice-message') ?? ''),
  });
}

/** Names in lower case; the first of a name counts. The summary ends at the first empty line. */
function readFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/, MAX_HEADER_FIELDS)) {
    const colon = line.indexOf(':');
    if (line.trim() === '') {
      if (fields.size > 0) break;
    } else if (colon > 0) {
      const name = line.slice(0, colon).trim().toLowerCase();
      if (!fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
    }
  }
  return fields;
}

/** "2/8 (0/2)": new, old, and of those urgent (§5.2). Empty when it reads otherwise. */
function readCounts(text: string): Omit<MessageWaiting, 'waiting' | 'account'> {
  const match =
    /^(\d{1,9})[ \t]*\/[ \t]*(\d{1,9})(?:[ \t]*\([ \t]*(\d{1,9})[ \t]*\/[ \t]*(\d{1,9})[ \t]*\))?$/.exec(
      text,
    );
  if (!match) return {};
  const counts = { newMessages: Number(match[1]), oldMessages: Number(match[2]) };
  return match[3] === undefined
    ? counts
    : { ...counts, newUrgent: Number(match[3]), oldUrgent: Number(match[4]) };
}
