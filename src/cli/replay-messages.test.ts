/** What `ringback replay` prints of each exchange in fixtures/sip, byte for byte (`bun run golden` writes it anew). */
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { expectGolden } from '../../fixtures/golden.ts';
import { streamEvent } from '../events.ts';
import { readRawMessages } from '../io/raw-messages.ts';
import { tellMessages } from './replay-messages.ts';

const folder = join(import.meta.dir, '../../fixtures/sip');
const files = readdirSync(folder).filter((name) => /^[^.]+_[^.]+\.txt$/.test(name));

function replay(bytes: Uint8Array, output: 'plain' | 'json' = 'plain') {
  const lines: string[] = [];
  const options = { output, verbosity: 0, rawMessages: false } as const;
  const told = tellMessages(readRawMessages(bytes), undefined, options, false, (line) => lines.push(line));
  return { ...told, text: lines.map((line) => `${line}\n`).join('') };
}

test('there is a file for each thing that can happen to a call', () => {
  expect(files.length).toBeGreaterThanOrEqual(10);
});

for (const file of files) {
  test(`replay of ${file} prints what it did`, () => {
    const { exitCode, text } = replay(readFileSync(join(folder, file)));
    expectGolden(`fixtures/sip/${file.replace('.txt', '.expected.txt')}`, `${text}exit ${exitCode}\n`);
  });

  test(`every event of ${file} is one of the vocabulary`, () => {
    const { events } = replay(readFileSync(join(folder, file)));
    for (const event of events) expect(streamEvent.safeParse(event).error).toBeUndefined();
  });

  test(`${file} tells the same without its carriage returns, as editors leave it`, () => {
    const text = readFileSync(join(folder, file), 'latin1');
    const bare = Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1');
    expect(replay(bare).text).toBe(replay(readFileSync(join(folder, file))).text);
  });
}

test('with --json the events stand in order, and no message in them unless it was asked for', () => {
  const { text } = replay(readFileSync(join(folder, 'invite_success.txt')), 'json');
  expectGolden('fixtures/sip/invite_success.expected.jsonl', text);
});

test('whatever a file holds, it is told and not thrown', () => {
  const pieces = files.flatMap((file) => readFileSync(join(folder, file), 'latin1').split(/(?<=\r\n)/));
  const odd = [
    '---\r\n',
    '--- sent\r\n',
    '\r\n',
    '\0\xff',
    'SIP/2.0 ',
    'BYE x SIP/2.0\r\n',
    'l: 5\r\n',
    ':\n',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces, ...odd), { maxLength: 40 }), (parts) => {
      const { events } = replay(Buffer.from(parts.join(''), 'latin1'));
      for (const event of events) expect(event.atMs).toBeGreaterThanOrEqual(0);
    }),
    fuzz(20),
  );
});
