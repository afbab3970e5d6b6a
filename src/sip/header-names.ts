/**
 * Header field names: their canonical spelling and their compact forms (RFC 3261 §7.3.1, §7.3.3, and the IANA
 * registry "SIP Header Fields").
 *
 * Names are compared without regard to case. Each is brought to one spelling when a message is parsed, so that
 * every later comparison is one of equal strings.
 */

/** Compact form and name, with the document that gave it. */
export const COMPACT_FORMS: ReadonlyMap<string, string> = new Map([
  ['a', 'Accept-Contact'], // RFC 3841
  ['b', 'Referred-By'], // RFC 3892
  ['c', 'Content-Type'], // RFC 3261
  ['d', 'Request-Disposition'], // RFC 3841
  ['e', 'Content-Encoding'], // RFC 3261
  ['f', 'From'], // RFC 3261
  ['i', 'Call-ID'], // RFC 3261
  ['j', 'Reject-Contact'], // RFC 3841
  ['k', 'Supported'], // RFC 3261
  ['l', 'Content-Length'], // RFC 3261
  ['m', 'Contact'], // RFC 3261
  ['n', 'Identity-Info'], // RFC 4474
  ['o', 'Event'], // RFC 6665
  ['r', 'Refer-To'], // RFC 3515
  ['s', 'Subject'], // RFC 3261
  ['t', 'To'], // RFC 3261
  ['u', 'Allow-Events'], // RFC 6665
  ['v', 'Via'], // RFC 3261
  ['x', 'Session-Expires'], // RFC 4028
  ['y', 'Identity'], // RFC 8224
]);

/** Names that we know by their spelling. One that is missing here is kept as it came. */
const NAMES = Object.keys(
  Object.fromEntries(
    `
Accept Accept-Contact Accept-Encoding Accept-Language Accept-Resource-Priority Alert-Info Allow Allow-Events
Answer-Mode Authentication-Info Authorization
Call-ID Call-Info Contact Content-Disposition Content-Encoding Content-ID Content-Language Content-Length
Content-Type CSeq
Date Diversion
Error-Info Event Expires
Feature-Caps Flow-Timer From
Geolocation Geolocation-Error Geolocation-Routing
History-Info
Identity Identity-Info Info-Package In-Reply-To
Join
Max-Breadth Max-Forwards MIME-Version Min-Expires Min-SE
Organization
P-Access-Network-Info P-Answer-State P-Asserted-Identity P-Associated-URI P-Called-Party-ID P-Charging-Vector
P-Early-Media P-Preferred-Identity P-Preferred-Service P-Visited-Network-ID Path Permission-Missing
Policy-Contact Policy-ID Priority Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require
RAck Reason Reason-Phrase Record-Route Recv-Info Refer-Events-At Refer-Sub Refer-To Referred-By Reject-Contact
Remote-Party-ID Replaces Reply-To Request-Disposition Require Resource-Priority Retry-After Route RSeq
Security-Client Security-Server Security-Verify Server Service-Route Session-Expires Session-ID SIP-ETag
SIP-If-Match Subject Subscription-State Supported Suppress-If-Match
Target-Dialog Timestamp To Trigger-Consent
Unsupported User-Agent User-to-User
Via
Warning WWW-Authenticate
`
      .trim()
      .split(/\s+/)
      .map((n) => [n, 1]),
  ),
);

/** Every name under its spelling in lower case. */
const BY_LOWER_CASE: ReadonlyMap<string, string> = new Map([
  ...NAMES.map((name): [string, string] => [name.toLowerCase(), name]),
  ...COMPACT_FORMS,
]);

/** The canonical spelling of a name in any case or form; a name that we do not know comes back as it is. */
export function canonicalName(spelling: string): string {
  return BY_LOWER_CASE.get(spelling.toLowerCase()) ?? spelling;
}

const COLON = 0x3a;

/** The names by their first and third letter, which leaves one or two for nearly all lines; To has its colon there. */
const BY_TWO_LETTERS: readonly string[][] = Array.from({ length: 0x400 }, () => []);
for (const name of NAMES) BY_TWO_LETTERS[twoLetters(`${name}:`, 0)]?.push(name);

function twoLetters(text: string, start: number): number {
  return ((text.charCodeAt(start) & 0x1f) << 5) | (text.charCodeAt(start + 2) & 0x1f);
}

/**
 * The name that starts at `start`, when it is one that we know in its canonical spelling with a colon right after
 * it: what nearly all lines are. It compares in place, as cutting every name out of a message only to look it up
 * is half the cost of finding its header fields.
 */
export function canonicalNameAt(text: string, start: number): string | undefined {
  const names = BY_TWO_LETTERS[twoLetters(text, start)];
  if (names === undefined) return undefined;
  for (const name of names) {
    if (text.charCodeAt(start + name.length) === COLON && text.startsWith(name, start)) return name;
  }
  return undefined;
}
