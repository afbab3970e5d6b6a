/**
 * What flags take: numbers, ports, addresses, users, as schemas that read a text. Each has one message, what was
 * expected, and the sentence around it (which flag, what value) is made in settings.ts.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import type { DigestAlgorithm } from '../auth/digest.ts';
import { canonicalName } from '../sip/header-names.ts';
import { parseUri } from '../sip/uri.ts';
import { isHost, readHostPort, readPort, readServerAddress, withoutBrackets } from './server-address.ts';

/** Reads a value, or undefined; `say` replaces the general sentence by a better one. */
type Reader<T> = (text: string, say: (what: string) => void) => T | undefined;

/** A schema whose only message is what was expected. */
export function reads<T>(expected: string, read: Reader<T>): z.ZodType<T, string> {
  return z.string().transform((text, context): T => {
    let message = `expected ${expected}`;
    const value = read(text, (what) => {
      message = what;
    });
    if (value !== undefined) return value;
    context.issues.push({ code: 'custom', message, input: text });
    return z.NEVER;
  });
}

/** A number in decimal, whole or with a fraction, both ends included. */
export function number(what: string, min: number, max: number, whole: boolean): z.ZodType<number, string> {
  return reads(`${what} from ${min} to ${max}`, (text) => {
    const value = Number(text);
    const shape = whole ? /^[0-9]{1,9}$/ : /^[0-9]{1,9}(\.[0-9]{1,6})?$/;
    return shape.test(text) && value >= min && value <= max ? value : undefined;
  });
}

/** Seconds, perhaps with a fraction; options.ts makes milliseconds of them. */
export const seconds = (min: number, max: number) => number('a number of seconds', min, max, false);
/** A text of that shape. */
export const text = (expected: string, shape: RegExp) =>
  reads(expected, (given) => (shape.test(given) ? given : undefined));
/** A file, read later by who needs it. */
export const path = text('a file name', /^[^\0]{1,4096}$/);
/** A switch. */
export const toggle = reads('true or false', (given) =>
  given === 'true' ? true : given === 'false' ? false : undefined,
);

/** An IP address to bind to, without brackets; a zone (`fe80::1%eth0`) may stand in it. */
export const address = (expected: string) =>
  reads(expected, (given) => {
    const bare = withoutBrackets(given);
    return isIP(bare) === 0 ? undefined : bare;
  });

/** Where to ask for the public address: a host, perhaps with a port, or a `stun:` URI (RFC 7064). */
export const stunServer = reads('a host or host:port that answers STUN over UDP', (given, say) => {
  if (/^(stuns|turns?):/i.test(given)) {
    say('expected a STUN server over UDP: stun: or no scheme');
    return undefined;
  }
  return readHostPort(given.replace(/^stun:/i, ''));
});

/** An IP address that goes into Contact, Via or SDP. */
export const advertised = reads('an IP address that others can send to', (given) => {
  const bare = withoutBrackets(given);
  const usable = isIP(bare) !== 0 && bare !== '0.0.0.0' && bare !== '::' && !bare.includes('%');
  return usable ? bare : undefined;
});

/** `100`, `100@lab.local` or `sip:100@lab.local`. The characters are those of RFC 3261 §25.1, user. */
export const user = reads('a user, like 100 or 100@example.org', (given) => {
  const match = /^(?:sip:)?((?:[a-z0-9\-_.!~*'()&=+$,;?/]|%[0-9a-f]{2})+)(?:@(.+))?$/i.exec(given);
  const [, name, domain] = match ?? [];
  if (name === undefined) return undefined;
  if (domain === undefined) return { name };
  return isHost(withoutBrackets(domain)) ? { name, domain } : undefined;
});

/** See server-address.ts. */
export const server = reads(
  'a host, host:port, or a URI like sip:example.org:5060;transport=tcp',
  readServerAddress,
);

/** First and last port; RTP is even, RTCP the next one (RFC 3550 §11). */
export const rtpPorts = reads(
  'two ports like 10000-20000 with an even one and its neighbour between them',
  (given) => {
    const [, low = '', high = ''] = /^(\d+)-(\d+)$/.exec(given) ?? [];
    const [first, last] = [readPort(low), readPort(high)];
    if (first === undefined || last === undefined) return undefined;
    return first + (first % 2) + 1 <= last ? ([first, last] as const) : undefined;
  },
);

/** Whom to call: a SIP or tel URI, `user@host`, `host:port`, or a user at the caller's domain. */
export const target = reads('whom to call, like 101@example.org or sip:192.0.2.1:5070', (given) => {
  if (!/^[^\s<>"\p{Cc}]{1,512}$/u.test(given)) return undefined;
  const uri = /^(?:sips?|tel):/i.test(given) ? given : `sip:${given}`;
  return parseUri(uri).ok ? given : undefined;
});

/** What makes a request ours, its transaction and its dialog (RFC 3261 §8.1.1, §22): not for a person to set. */
const OWN_FIELDS = [
  ...['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Contact', 'Route', 'Record-Route'],
  ...['Content-Length', 'Content-Type', 'Authorization', 'Proxy-Authorization'],
];

/** Header fields, one a line (RFC 3261 §25.1). */
export const headers = reads("a header field like 'X-Test: 1'", (given, say) => {
  const fields: (readonly [string, string])[] = [];
  for (const line of given.split('\n')) {
    const [, name, value = ''] = /^([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*:[ \t]*([^\p{Cc}]*)$/u.exec(line) ?? [];
    if (name === undefined) return undefined;
    const canonical = canonicalName(name);
    if (OWN_FIELDS.some((own) => own.toLowerCase() === canonical.toLowerCase())) {
      say(`expected another field: ${canonical} is made by ringback`);
      return undefined;
    }
    fields.push([canonical, value]);
  }
  return fields;
});

/** A tone, silence, or a file that is opened later. */
export const played = reads('tone, silence or a .wav file', (given) => {
  if (given === 'tone' || given === 'silence') return { type: given } as const;
  return given.length > 0 && given.length <= 4096 && !given.includes('\0')
    ? ({ type: 'file', path: given } as const)
    : undefined;
});

/** Keys of a telephone (RFC 4733 §3.2). */
export const dtmf = text('keys out of 0-9, *, #, A-D, and commas', /^[0-9A-Da-d*#,w]{1,64}$/);

/** What a registrar offers, the strongest first (RFC 8760 §2.3). */
export const algorithms = reads('MD5, SHA-256 or both', (given): readonly DigestAlgorithm[] | undefined => {
  const name = given.toUpperCase();
  if (name === 'BOTH') return ['SHA-256', 'MD5'];
  return name === 'MD5' || name === 'SHA-256' ? [name] : undefined;
});
