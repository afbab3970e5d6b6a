/**
 * Numeric addresses as text and as bytes: dotted quad (RFC 791), IPv6 (RFC 4291 §2.2, RFC 5952). A leaf, as STUN, SIP and
 * the doctor need it and none of them stands below the others.
 *
 * Why our own: the pure core opens no socket module, and what is not surely an address is a name.
 */

/** The 4 or 16 bytes of a numeric address without brackets; undefined for a host name and for anything malformed. */
export function addressBytes(text: string): Uint8Array | undefined {
  return text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text);
}

/** The one text of an address: dotted quad, or IPv6 as RFC 5952 §4 writes it. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => {
    return (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16);
  });
  // RFC 5952 §4.2: the longest run of zeros, the first of several, and never a single one.
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length === 1) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  let part = 0;
  let digits = 0;
  let number = 0;
  for (let index = 0; index <= text.length; index++) {
    const code = index === text.length ? 0x2e : text.charCodeAt(index);
    if (code === 0x2e) {
      if (digits === 0 || part > 3) return undefined;
      bytes[part++] = number;
      digits = 0;
      number = 0;
    } else if (code >= 0x30 && code <= 0x39) {
      number = number * 10 + code - 0x30;
      if (++digits > 3 || number > 255) return undefined;
    } else return undefined;
  }
  return part === 4 ? bytes : undefined;
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

/** The bytes of the groups on one side of "::". The last 32 bits may stand as a dotted quad: ::ffff:192.0.2.1. */
function groups(text: string, mayEndInQuad: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const quad = mayEndInQuad && index === parts.length - 1 ? ipv4Bytes(part) : undefined;
      if (quad === undefined) return undefined;
      bytes.push(...quad);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      const group = Number.parseInt(part, 16);
      bytes.push(group >> 8, group & 0xff);
    }
  }
  return bytes.length <= 16 ? bytes : undefined;
}
