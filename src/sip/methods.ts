/**
 * The methods of the IANA registry "SIP Methods". Any other token is a method too (RFC 3261 §7.1): these are only
 * the ones that a parser meets.
 */

/** The most frequent first. */
export const COMMON_METHODS: readonly string[] = [
  'INVITE',
  'ACK',
  'BYE',
  'REGISTER',
  'OPTIONS',
  'CANCEL',
  'NOTIFY',
  'SUBSCRIBE',
  'INFO',
  'UPDATE',
  'REFER',
  'MESSAGE',
  'PRACK',
  'PUBLISH',
];
