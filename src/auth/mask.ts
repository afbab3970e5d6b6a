/**
 * Hides what is secret in a raw message before anybody sees it: on the screen, in `--json`, in a report.
 *
 * A digest response is no password, but whoever has it can try passwords on it at leisure (RFC 7616 §5.11).
 * The nonce, the realm and the user name stay: without them a failed registration cannot be explained. What is
 * in doubt is masked: it is better to lose a word of a trace than a password.
 */

const MASK = '***';

/** What is put in the place of secrets. */
interface Mask {
  /** One word. */
  readonly word: (secret: string) => string;
  /** The value of a field with digest parameters. */
  readonly digest: (value: string) => string;
  /** The value of a field with credentials of any other scheme: nothing after the scheme is fit to be seen. */
  readonly other: (value: string) => string;
}

/** A field with its continuation lines (RFC 3261 §7.3.1). */
const SECRET_FIELD =
  /^((?:proxy-)?(?:authorization|authentication-info))([ \t]*:)([^\n]*(?:\n[ \t][^\n]*)*)/gim;
/** The parameters that are made from the password, and the half of their input that is ours. */
const SECRET_PARAMETER = /\b(response|cnonce|rspauth|password)(\s*=\s*)(?:"(?:[^"\\]|\\[\s\S])*"?|[^\s,]*)/gi;
/** SDES keys (RFC 4568), ICE passwords (RFC 8839 §5.4) and the old k= of a session description. */
const SECRET_SDP = /^(k=|a=key-mgmt:|a=ice-pwd:|a=crypto:\d+[ \t]+\S+[ \t]+)([^\r\n]+)/gim;

/** A URI that may have a password, and what ends the word that it is. */
const SIP_SCHEME = /sips?:/i;
const BETWEEN_WORDS = /[\s<>"]/;

/** The digests alone, of those above. */
const DIGEST_PARAMETER = /\b(response|rspauth|password)(\s*=\s*)("(?:[^"\\]|\\[\s\S])*"?|[^\s,]*)/gi;

const FOR_PEOPLE: Mask = {
  word: () => MASK,
  digest: (value) =>
    value.replace(SECRET_PARAMETER, (_all, key: string, equals: string) => `${key}${equals}"${MASK}"`),
  other(value) {
    const scheme = /^[^\s,="]+(?=\s)/.exec(value.trim())?.[0];
    const end = value.endsWith('\r') ? '\r' : '';
    return ` ${scheme === undefined ? '' : `${scheme} `}${MASK}${end}`;
  },
};

/** The text with credentials, keys and passwords in URIs replaced by `***`. Line ends stay as they are. */
export function maskCredentials(text: string): string {
  return mask(text, FOR_PEOPLE);
}

/**
 * The same for a trace that is played again: every byte keeps its place, because offsets and lengths are in the
 * events. `responseFor` is given the value of a field and gives the digest that may stand in it; without one it is
 * zeros. The cnonce stays, as nothing can be tried on it alone.
 */
export function maskKeepingLength(
  text: string,
  responseFor: (fieldValue: string) => string | undefined,
): string {
  return mask(text, {
    word: (secret) => '*'.repeat(secret.length),
    digest(value) {
      const right = responseFor(value.trim());
      return value.replace(DIGEST_PARAMETER, (_all, key: string, equals: string, secret: string) => {
        const given = key.toLowerCase() === 'response' ? right : undefined;
        return `${key}${equals}${withDigest(secret, given)}`;
      });
    },
    other(value) {
      const scheme = /^\s*(?:[^\s,="]+\s)?/.exec(value)?.[0] ?? '';
      return scheme + value.slice(scheme.length).replace(/\S/g, '*');
    },
  });
}

/** A digest, in quotes or not, replaced by one of the same length. */
function withDigest(secret: string, given: string | undefined): string {
  const quotes = secret.startsWith('"') ? (secret.length > 1 && secret.endsWith('"') ? 2 : 1) : 0;
  const length = secret.length - quotes;
  const digest = given?.length === length ? given : '0'.repeat(length);
  return `${quotes > 0 ? '"' : ''}${digest}${quotes > 1 ? '"' : ''}`;
}

function mask(text: string, { word, digest, other }: Mask): string {
  const fields = text.replace(SECRET_FIELD, (_all, name: string, colon: string, value: string) => {
    const parameters = /-info$/i.test(name) || /^digest\b/i.test(value.trim());
    return `${name}${colon}${parameters ? digest(value) : other(value)}`;
  });
  const described = fields.replace(SECRET_SDP, (_all, start: string, secret: string) => start + word(secret));
  return maskUriPasswords(described, word);
}

/** `sip:user:password@host` (RFC 3261 §19.1.1), in one pass from @ to @: what stands before each, in its own word. */
function maskUriPasswords(text: string, conceal: Mask['word']): string {
  let masked = '';
  let from = 0;
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', from)) {
    let start = at;
    while (start > from && !BETWEEN_WORDS.test(text[start - 1] as string)) start -= 1;
    const before = text.slice(start, at);
    const user = SIP_SCHEME.exec(before);
    const colon = user === null ? -1 : before.indexOf(':', user.index + user[0].length);
    masked += text.slice(from, start);
    masked += colon < 0 ? `${before}@` : `${before.slice(0, colon + 1)}${conceal(before.slice(colon + 1))}@`;
    from = at + 1;
  }
  return masked + text.slice(from);
}
