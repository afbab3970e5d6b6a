/**
 * Hides what is secret in a raw message before anybody sees it: on the screen, in `--json`, in a report.
 *
 * A digest response is no password, but whoever has it can try passwords on it at leisure (RFC 7616 §5.11).
 * The nonce, the realm and the user name stay: without them a failed registration cannot be explained. What is
 * in doubt is masked: it is better to lose a word of a trace than a password.
 */

const MASK = '***';

/** A field with its continuation lines (RFC 3261 §7.3.1). */
const SECRET_FIELD =
  /^((?:proxy-)?(?:authorization|authentication-info))([ \t]*:)([^\n]*(?:\n[ \t][^\n]*)*)/gim;
/** The parameters that are made from the password, and the half of their input that is ours. */
const SECRET_PARAMETER = /\b(response|cnonce|rspauth|password)(\s*=\s*)(?:"(?:[^"\\]|\\[\s\S])*"?|[^\s,]*)/gi;
/** SDES keys (RFC 4568), ICE passwords (RFC 8839 §5.4) and the old k= of a session description. */
const SECRET_SDP = /^(k=|a=key-mgmt:|a=ice-pwd:|a=crypto:\d+[ \t]+\S+[ \t]+)[^\r\n]+/gim;

/** The text with credentials, keys and passwords in URIs replaced by `***`. Line ends stay as they are. */
export function maskCredentials(text: string): string {
  return maskUriPasswords(
    text.replace(SECRET_FIELD, maskField).replace(SECRET_SDP, (_all, start: string) => `${start}${MASK}`),
  );
}

function maskField(_all: string, name: string, colon: string, value: string): string {
  const bare = value.trim();
  const information = /-info$/i.test(name);
  if (information || /^digest\b/i.test(bare)) {
    const masked = value.replace(
      SECRET_PARAMETER,
      (_parameter, key: string, equals: string) => `${key}${equals}"${MASK}"`,
    );
    return `${name}${colon}${masked}`;
  }
  // Basic, Bearer and whatever comes next: nothing after the scheme is fit to be seen.
  const scheme = /^[^\s,="]+(?=\s)/.exec(bare)?.[0];
  const end = value.endsWith('\r') ? '\r' : '';
  return `${name}${colon} ${scheme === undefined ? '' : `${scheme} `}${MASK}${end}`;
}

/** `sip:user:password@host` (RFC 3261 §19.1.1), in one pass over the words of the text. */
function maskUriPasswords(text: string): string {
  return text.replace(/[^\s<>"]+/g, maskWord);
}

function maskWord(word: string): string {
  if (!word.includes('@')) return word;
  let masked = '';
  let from = 0;
  while (from < word.length) {
    const at = word.indexOf('@', from);
    if (at < 0) break;
    const before = word.slice(from, at);
    const user = /sips?:/i.exec(before);
    const colon = user === null ? -1 : before.indexOf(':', user.index + user[0].length);
    masked += colon < 0 ? `${before}@` : `${before.slice(0, colon + 1)}${MASK}@`;
    from = at + 1;
  }
  return masked + word.slice(from);
}
