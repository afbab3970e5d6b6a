import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { type Contacts, parseContacts } from './contact.ts';
import { readCoreHeaders } from './core-headers.ts';
import { LENIENCIES } from './leniency.ts';
import { parseMessage } from './parse-message.ts';
import type { Result } from './result.ts';
import { bytesOf } from './text.ts';

const MESSAGE = [
  'OPTIONS sip:a@b SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
  'From: <sip:a@b>;tag=1',
  'To: <sip:b@b>',
  'Call-ID: 1',
  'CSeq: 1 OPTIONS',
];

/** A good message with the example in the place of the field of that name, or of the start line. */
function withExample(example: string): Uint8Array {
  const name = example.split(':')[0];
  const others = MESSAGE.filter((line) => line.split(':')[0] !== name);
  const lines = example.startsWith('SIP/') ? [example, ...others.slice(1)] : [...others, example];
  return bytesOf(`${lines.join('\r\n')}\r\n\r\n`);
}

test.each(LENIENCIES.map((leniency) => [leniency.name, leniency] as const))(
  '%s lets its example in',
  (_, { example }) => {
    const parsed = parseMessage(withExample(example));
    if (!parsed.ok) throw new Error(`${parsed.error.code}: ${parsed.error.detail}`);
    const core = readCoreHeaders(parsed.value);
    expect(core.ok ? 'ok' : core.error.code).toBe('ok');
    const contacts: Result<Contacts> = parseContacts(parsed.value);
    expect(contacts.ok).toBe(true);
  },
);

test('each is named where the code forgives, and has a name of its own', () => {
  expect(new Set(LENIENCIES.map(({ name }) => name)).size).toBe(LENIENCIES.length);
  for (const { name, file } of LENIENCIES) {
    const source = readFileSync(new URL(file, import.meta.url), 'utf8');
    expect([name, source.includes(name)]).toEqual([name, true]);
  }
});
