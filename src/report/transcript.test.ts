/** The transcripts of fixtures/sip, byte for byte, and that no stranger can write into one what he likes. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { anyCharacter, fuzz } from '../../fixtures/fuzz.ts';
import { expectGolden } from '../../fixtures/golden.ts';
import type { Event, EventBody } from '../events.ts';
import { readRawMessages } from '../io/raw-messages.ts';
import { observe } from '../sip/observer.ts';
import { MAX_EXCHANGES, MAX_STEPS, type Story, storyTeller } from './story.ts';
import { transcriptForm } from './transcript.ts';
import { ladderTranscript } from './transcript-ladder.ts';
import { markdownTranscript } from './transcript-markdown.ts';

function storyOf(bodies: readonly EventBody[]): Story {
  const teller = storyTeller();
  for (const [index, body] of bodies.entries())
    teller.event({ v: 1, seq: index + 1, atMs: index, ...body } as Event);
  return teller.tell();
}

function storyOfFile(name: string): Story {
  const bytes = readFileSync(join(import.meta.dir, `../../fixtures/sip/${name}.txt`));
  const teller = storyTeller();
  for (const [index, { atMs, event }] of observe(readRawMessages(bytes)).entries()) {
    teller.event({ v: 1, seq: index + 1, atMs, ...event } as Event);
  }
  return teller.tell();
}

for (const name of ['invite_redirected', 'invite_cancelled', 'invite_unanswered', 'register_challenge']) {
  test(`the transcripts of ${name} are those of fixtures/report`, () => {
    expectGolden(`fixtures/report/${name}.ladder.txt`, ladderTranscript(storyOfFile(name)));
    expectGolden(`fixtures/report/${name}.transcript.md`, markdownTranscript(storyOfFile(name)));
  });
}

test('the states of each transaction stand beside it, with their times', () => {
  const [call] = storyOfFile('invite_cancelled').exchanges;
  expect(call?.transactions.map(({ method, states }) => [method, states.map(({ state }) => state)])).toEqual([
    ['INVITE', ['calling', 'proceeding', 'completed']],
    ['CANCEL', ['trying', 'completed']],
  ]);
});

test('a form for .md and for .txt, and none for anything else', () => {
  expect(transcriptForm('call.md')).toBe(markdownTranscript);
  expect(transcriptForm('a.b/CALL.TXT')).toBe(ladderTranscript);
  for (const name of ['call', 'call.html', '', 'txt', 'md.']) expect(transcriptForm(name)).toBeUndefined();
});

function sent(startLine: string, more: Partial<Extract<EventBody, { type: 'sip.sent' }>> = {}): EventBody {
  return {
    type: 'sip.sent',
    transport: 'udp',
    remote: '192.0.2.1:5060',
    startLine,
    cseq: '1 INVITE',
    bytes: 9,
    ...more,
  };
}

test('what a stranger writes into a reason phrase means nothing to Mermaid, to markdown or to a terminal', () => {
  const nasty = 'SIP/2.0 486 a; B->>A: forged\nend # `code` | <script>[x](y) \u001b[2J \u202e Ω 日本';
  const story = storyOf([
    sent('INVITE x SIP/2.0', { call: 'c' }),
    { ...sent(nasty, { call: 'c' }), type: 'sip.received' } as EventBody,
  ]);
  const markdown = markdownTranscript(story);
  const diagram = markdown.slice(markdown.indexOf('```mermaid'), markdown.indexOf('```\n\n###'));
  expect(diagram.split('\n').filter((line) => line.includes('->>'))).toHaveLength(2);
  expect(diagram).not.toContain('B->>A: forged');
  expect(diagram).not.toMatch(/\bend\b/);
  expect(markdown).not.toContain('<script>[x](y) |');
  for (const text of [markdown, ladderTranscript(story)]) expect(text).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
});

test('a bar in a table is no bar, with a backslash before it or without, and a heading has no words of a trace', () => {
  const story = storyOf([
    { type: 'session.started', version: '1', wallTime: '<img src=x>', configuration: {} },
    { type: 'sip.rejected', transport: 'udp', remote: 'a', code: 'x', offset: 0, detail: 'a|b \\| <script>' },
  ]);
  const markdown = markdownTranscript(story);
  expect(markdown).toStartWith('# Transcript\n');
  expect(markdown).toContain('| `a` | `x` | `a\\x7cb \\\\x7c <script>` |');
});

test('a ladder fits 80 columns whatever is in it, and both forms are one line where they must be', () => {
  const text = fc.string({ unit: anyCharacter, maxLength: 120 });
  fc.assert(
    fc.property(text, text, text, (phrase, remote, reason) => {
      const call = { call: 'c', callId: 'x', direction: 'outgoing', peer: phrase } as const;
      const story = storyOf([
        sent(`SIP/2.0 200 ${phrase}`, { call: 'c', remote }),
        { type: 'call.changed', ...call, from: 'calling', to: 'terminated', reason },
        { type: 'sip.rejected', transport: 'udp', remote, code: 'x', offset: 0, detail: phrase },
      ]);
      const ladder = ladderTranscript(story);
      expect(Math.max(...ladder.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(ladder).toMatch(/^[\x20-\x7e\n]*$/);
      const markdown = markdownTranscript(story);
      expect(markdown.split('```')).toHaveLength(3);
      const table = markdown.slice(markdown.indexOf('## Rejected')).split('\n').slice(2, 5);
      for (const line of table) if (line !== '') expect(line.split('|')).toHaveLength(6);
    }),
    fuzz(60),
  );
});

test('a session that goes on for ever takes a bounded memory, and says what is left out', () => {
  const teller = storyTeller();
  let seq = 0;
  const tell = (body: EventBody) => teller.event({ v: 1, seq: ++seq, atMs: seq, ...body } as Event);
  for (let call = 0; call < MAX_EXCHANGES + 50; call++)
    tell(sent('INVITE x SIP/2.0', { call: `call-${call}` }));
  for (let again = 0; again < MAX_STEPS + 50; again++) tell(sent('INVITE x SIP/2.0', { call: 'call-249' }));
  const story = teller.tell();
  expect(story.exchanges).toHaveLength(MAX_EXCHANGES);
  expect(story.exchangesLeftOut).toBe(50);
  expect(story.exchanges.at(-1)?.steps).toHaveLength(MAX_STEPS);
  expect(story.exchanges.at(-1)?.stepsLeftOut).toBe(51);
  expect(ladderTranscript(story)).toContain('50 earlier ones are left out');
  expect(markdownTranscript(story)).toContain('51 more are left out');
});
