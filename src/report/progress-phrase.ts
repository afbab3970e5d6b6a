/**
 * The words for a response that says "going on" or "done". Servers write what they like there ("100 trying -- your
 * call is important to us", "200 Answering"), and it carries nothing (RFC 3261 §7.2); a transcript is compared word
 * for word, so it has the RFC's. A refusal keeps the peer's own words: they may say why.
 */

/** RFC 3261 §21.1 and §21.2, RFC 6228, RFC 6665. */
const PHRASES: Readonly<Record<string, string>> = {
  '100': 'Trying',
  '180': 'Ringing',
  '181': 'Call Is Being Forwarded',
  '182': 'Queued',
  '183': 'Session Progress',
  '199': 'Early Dialog Terminated',
  '200': 'OK',
  '202': 'Accepted',
  '204': 'No Notification',
};

/** "100 trying -- please wait" as "100 Trying"; what is not known stays. */
export function withOwnPhrase(statusAndReason: string): string {
  const status = statusAndReason.slice(0, 3);
  const phrase = PHRASES[status];
  return phrase === undefined ? statusAndReason : `${status} ${phrase}`;
}
