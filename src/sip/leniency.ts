/**
 * What the parser forgives, beyond the grammar of RFC 3261 §25.1, and why. Everything that is not in this table
 * is refused with a code and an offset. What session descriptions are forgiven stands in a table in sdp.ts.
 *
 * It is data, so that the documentation prints it and a test holds every line of it against the parser.
 */

/** One thing that is forgiven, with a message that needs it. */
export interface Leniency {
  /** Kebab-case; cited at the branch that forgives. */
  readonly name: string;
  /** Where it is. */
  readonly file: string;
  readonly forgives: string;
  readonly because: string;
  /** A header field or a start line that only this leniency lets in. */
  readonly example: string;
}

/** All of them; a test lets every example in. */
export const LENIENCIES: readonly Leniency[] = [
  {
    name: 'line-feed-alone',
    file: 'parse-message.ts',
    forgives: 'lines that end with a line feed and no carriage return',
    because: 'scripts and test tools write them, and no other reading is possible',
    example: 'Subject: one\nOrganization: two',
  },
  {
    name: 'reason-phrase-missing',
    file: 'start-line.ts',
    forgives: 'a status line that ends after the status, without the space',
    because: 'gateways trim their lines, and the phrase carries nothing a program reads (§7.2)',
    example: 'SIP/2.0 200',
  },
  {
    name: 'body-without-content-length',
    file: 'parse-message.ts',
    forgives: 'a datagram without Content-Length: the body goes to its end',
    because: '§18.3 asks for it, although §20.14 wants the field',
    example: 'Subject: no length here',
  },
  {
    name: 'parameter-value-characters',
    file: 'params.ts',
    forgives: 'parameter values with any characters but white space and ; , < > "',
    because: 'tags and branches with "=", "/", ":" or "@" are common, and only ever compared',
    example: 'To: <sip:bob@example.org>;tag=a/b==@c:1',
  },
  {
    name: 'separator-last',
    file: 'params.ts',
    forgives: 'one ";" after the last parameter',
    because: 'phones that build headers in a loop write it, and nothing is lost',
    example: 'To: <sip:bob@example.org>;user=phone;',
  },
  {
    name: 'display-name-characters',
    file: 'name-addr.ts',
    forgives: 'unquoted display names with any characters but control characters and , ; > "',
    because: 'phones put names in UTF-8, brackets and addresses there as people typed them',
    example: 'From: J\u00fcrgen (Buero) a@b <sip:j@example.org>;tag=1',
  },
  {
    name: 'host-underscore',
    file: 'host-port.ts',
    forgives: 'an underscore in a host name',
    because: 'names of containers and of Windows machines have it, and resolvers take it',
    example: 'Via: SIP/2.0/UDP my_pbx:5060;branch=z9hG4bK1',
  },
  {
    name: 'user-characters',
    file: 'uri.ts',
    forgives: 'a user part with any characters but "@", ":" and broken escapes',
    because: 'feature codes such as "*72#" are dialled as they are, though §25.1 wants "#" escaped',
    example: 'To: <sip:*72#@example.org>',
  },
  {
    name: 'contacts-several',
    file: 'contact.ts',
    forgives: 'an INVITE with more than one Contact: the first one counts',
    because:
      '§8.1.1.8 wants exactly one; one more is for another device, and the first is where the caller is',
    example: 'Contact: <sip:bob@192.0.2.1>, <sip:bob@192.0.2.2>',
  },
  {
    name: 'call-id-characters',
    file: 'core-headers.ts',
    forgives: 'a Call-ID with any characters but white space and control characters',
    because: 'it is compared as a whole and never taken apart',
    example: 'Call-ID: a@b@c;d,e',
  },
  {
    name: 'empty-line-missing',
    file: 'parse-message.ts',
    forgives: 'a datagram that ends after its last header field, when Content-Length is 0',
    because:
      'hand-written senders forget the line, RFC 5118 §4.10 among them; the length says that nothing is missing',
    example: 'Content-Length: 0',
  },
  {
    name: 'contact-missing',
    file: 'dialog.ts',
    forgives:
      'an INVITE of an RFC 2543 caller (no cookie in its branch), or a 1xx or 2xx to ours, without Contact',
    because:
      'RFC 2543 did not ask for it; the caller is reached at its From, the callee where our INVITE went',
    example: 'Via: SIP/2.0/UDP gateway.example.org',
  },
  {
    name: 'max-forwards-missing',
    file: 'validation.ts',
    forgives: 'a request without Max-Forwards, and one whose Max-Forwards is 0',
    because: 'RFC 2543 had no such field (§16.3 item 3); at its target a request has nowhere further to go',
    example: 'Max-Forwards: 0',
  },
  {
    name: 'date-unread',
    file: 'validation.ts',
    forgives: 'a Date of any form, unless it names another time zone than GMT',
    because: 'nobody reads it here; but a time that means another (§20.17, RFC 4475 §3.1.2.12) is malformed',
    example: 'Date: Sun Nov 22 2026',
  },
  {
    name: 'part-handling-missing',
    file: 'multipart.ts',
    forgives: 'a part of unknown type that does not say whether it may be ignored: it is',
    because: '§20.11 reads that as required, but gateways add ISUP and locations for whoever wants them',
    example: 'Content-Disposition: signal',
  },
  {
    name: 'contact-expires-malformed',
    file: 'contact.ts',
    forgives: 'a malformed expires parameter, read as 3600',
    because: '§20.10 asks for it',
    example: 'Contact: <sip:bob@192.0.2.1>;expires=soon',
  },
  {
    name: 'accept-unreadable',
    file: 'acceptable.ts',
    forgives: 'an Accept or Accept-Encoding that cannot be read, taken as absent',
    because: 'all that our answer can be is a session description, which a caller takes anyway (§20.1)',
    example: 'Accept: all of them',
  },
];
