import { describe, expect, test } from 'bun:test';
import { commentEnd, commentText } from './comment.ts';
import { parseDeltaSeconds } from './delta-seconds.ts';
import { parseMaxForwards } from './max-forwards.ts';
import { accepts, contentType, parseMediaType } from './media-type.ts';
import type { SipRequest } from './message.ts';
import { NO_BODY } from './message.ts';
import { parseRetryAfter } from './retry-after.ts';
import { parseOptionTags, parseTokens } from './token-list.ts';
import { parseWarning, parseWarnings, serializeWarning } from './warning.ts';

function withFields(...lines: (readonly [string, string])[]): SipRequest {
  const headers = lines.map(([name, value]) => ({ name, value, offset: 10 }));
  return { kind: 'request', method: 'OPTIONS', uri: 'sip:a', headers, body: NO_BODY };
}

describe('Max-Forwards (§20.22)', () => {
  test('is 0 to 255', () => {
    const read = (text: string) => {
      const hops = parseMaxForwards(text, 7);
      return hops.ok ? hops.value : `${hops.error.code} ${hops.error.offset}`;
    };
    expect([read('0'), read('0068'), read('255')]).toEqual([0, 68, 255]);
    for (const bad of ['256', '-1', '', 'x', '70 ']) expect(read(bad)).toBe('max-forwards-malformed 7');
  });
});

describe('delta-seconds (§20.19)', () => {
  test('are 0 to 2^32 − 1', () => {
    const read = (text: string) => {
      const seconds = parseDeltaSeconds(text, 0, 'Expires');
      return seconds.ok ? seconds.value : `${seconds.error.code} ${seconds.error.header}`;
    };
    expect([read('0'), read('3600'), read('4294967295')]).toEqual([0, 3600, 4294967295]);
    for (const bad of ['4294967296', '-1', '', '1h']) expect(read(bad)).toBe('seconds-malformed Expires');
  });
});

describe('comments (§25.1)', () => {
  test('nest, and a backslash takes the next character with it', () => {
    const text = '(1.0 (beta \\) x)) y';
    expect(commentEnd(text, 0)).toBe(17);
    expect(commentText('(a \\(b\\))')).toBe('a (b)');
    expect(commentEnd('(never', 0)).toBe(-1);
    expect(commentEnd('(never\\', 0)).toBe(-1);
  });
});

describe('Retry-After (§20.33)', () => {
  test('has seconds, a comment and a duration', () => {
    const read = (text: string) => {
      const parsed = parseRetryAfter(text);
      if (!parsed.ok) return parsed.error.code;
      return [parsed.value.seconds, parsed.value.comment, parsed.value.durationS];
    };
    expect(read('18000;duration=3600')).toEqual([18000, undefined, 3600]);
    expect(read("120 (I'm in a (long) meeting)")).toEqual([120, "I'm in a (long) meeting", undefined]);
    expect(read('5 (x) ;duration=x')).toEqual([5, 'x', undefined]);
    expect([read('soon'), read('5 (x'), read('5;;'), read('')]).toEqual([
      'seconds-malformed',
      'comment-malformed',
      'parameter-malformed',
      'seconds-malformed',
    ]);
  });
});

describe('Warning (§20.43)', () => {
  const text = '307 isi.edu "Session parameter \'foo\', \\"x\\" not understood"';

  test('has a code, an agent and a text', () => {
    const parsed = parseWarning(text);
    expect(parsed.ok && parsed.value).toEqual({
      code: 307,
      agent: 'isi.edu',
      text: 'Session parameter \'foo\', "x" not understood',
    });
    expect(parsed.ok && serializeWarning(parsed.value)).toBe(text);
  });

  test('stands in a list', () => {
    const warnings = parseWarnings(withFields(['Warning', `${text}, 301 a:5060 "b"`]));
    expect(warnings.ok && warnings.value.map(({ code, agent }) => `${code} ${agent}`)).toEqual([
      '307 isi.edu',
      '301 a:5060',
    ]);
  });

  test('is refused when a part is missing', () => {
    for (const bad of [
      '',
      '307',
      '307 a',
      '307 a text',
      '307 a "text',
      '3070 a "b"',
      '3 a "b"',
      '307  "b"',
      '307 a "b" c',
    ]) {
      const parsed = parseWarning(bad);
      expect([bad, parsed.ok ? 'ok' : parsed.error.code]).toEqual([bad, 'warning-malformed']);
    }
  });
});

describe('token lists', () => {
  test('are read over all fields, each word once, as they came (§20.5)', () => {
    const allow = parseTokens(withFields(['Allow', 'INVITE, ACK'], ['Allow', 'ACK,invite']), 'Allow');
    expect(allow.ok && allow.value).toEqual(['INVITE', 'ACK', 'invite']);
  });

  test('option tags are compared without case (§7.3.1)', () => {
    const tags = parseOptionTags(
      withFields(['Supported', 'TIMER, 100rel'], ['Supported', 'timer']),
      'Supported',
    );
    expect(tags.ok && tags.value).toEqual(['timer', '100rel']);
  });

  test('an empty field, like no field, is an empty list (§20.37)', () => {
    expect(parseTokens(withFields(['Supported', '']), 'Supported')).toEqual({ ok: true, value: [] });
    expect(parseTokens(withFields(), 'Supported')).toEqual({ ok: true, value: [] });
  });

  test('what is no token is refused', () => {
    const require = parseTokens(withFields(['Require', 'a, b c']), 'Require');
    expect(require.ok ? 'ok' : require.error).toMatchObject({
      code: 'token-malformed',
      offset: 13,
      header: 'Require',
    });
  });
});

describe('media types', () => {
  test('are compared without case, and have parameters (§20.15)', () => {
    const parsed = parseMediaType('Multipart / Mixed ; boundary="a;b"');
    if (!parsed.ok) throw new Error(parsed.error.detail);
    expect([parsed.value.type, parsed.value.subtype]).toEqual(['multipart', 'mixed']);
    expect(parsed.value.params.get('boundary')).toBe('"a;b"');
    for (const bad of ['', 'text', 'text/', '/plain', 'text plain']) {
      const failed = parseMediaType(bad);
      expect([bad, failed.ok ? 'ok' : failed.error.code]).toEqual([bad, 'media-type-malformed']);
    }
  });

  test('Content-Type may be missing', () => {
    expect(contentType(withFields())).toEqual({ ok: true, value: undefined });
    const sdp = contentType(withFields(['Content-Type', 'application/SDP']));
    expect(sdp.ok && sdp.value?.subtype).toBe('sdp');
  });

  test('without Accept only application/sdp is taken, and an empty one takes nothing (§20.1)', () => {
    const takes = (message: SipRequest, type: string, subtype: string) => {
      const taken = accepts(message, type, subtype);
      return taken.ok ? taken.value : taken.error.code;
    };
    expect(takes(withFields(), 'application', 'sdp')).toBe(true);
    expect(takes(withFields(), 'text', 'plain')).toBe(false);
    expect(takes(withFields(['Accept', '']), 'application', 'sdp')).toBe(false);
    expect(takes(withFields(['Accept', 'text/*, application/x;q=1']), 'text', 'plain')).toBe(true);
    expect(takes(withFields(['Accept', 'text/html'], ['Accept', '*/*']), 'application', 'sdp')).toBe(true);
    expect(takes(withFields(['Accept', 'text/html']), 'application', 'sdp')).toBe(false);
    expect(takes(withFields(['Accept', 'sdp']), 'application', 'sdp')).toBe('media-type-malformed');
  });
});
