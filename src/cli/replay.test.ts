/** `ringback replay` as a script meets it: what is on stdout and stderr, and the exit code. */
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sipFixture } from '../../fixtures/sip/read.ts';
import { traceRecorder } from '../io/trace-recorder.ts';
import { endpointConfig } from '../io/virtual-scene.ts';
import { Endpoint } from '../sip/endpoint.ts';
import { openRecords } from './records.ts';
import { UsageError } from './usage-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringback-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

function replay(...words: readonly string[]) {
  const child = Bun.spawnSync([process.execPath, join(import.meta.dir, '../main.ts'), 'replay', ...words]);
  return { code: child.exitCode, out: child.stdout.toString(), err: child.stderr.toString() };
}

/** The trace of an endpoint that is asked with OPTIONS once. */
function trace(): string {
  const lines: string[] = [];
  const { tap, event } = traceRecorder((line) => lines.push(line), { version: '0.0.1', style: 'service' });
  const config = endpointConfig({ address: '192.0.2.1', port: 5060 }, { rawMessages: true });
  tap.started(config);
  const endpoint = new Endpoint(config, () => {
    throw new Error('there is no audio');
  });
  const input = {
    type: 'datagram',
    remote: { address: '192.0.2.9', port: 5060 },
    bytes: sipFixture('options-ipv6'),
  } as const;
  tap.input(input, 12.34);
  let seq = 0;
  for (const output of endpoint.handle(input, 12.34)) {
    if (output.type === 'event') event({ v: 1, seq: ++seq, atMs: 12.3, ...output.event });
  }
  return lines.map((line) => `${line}\n`).join('');
}

test('a trace that plays the same prints its lines and ends with 0; one that does not, with 1 and the difference', () => {
  const text = trace();
  const [same, other] = ['same', 'other'].map((name) => join(folder, `${name}.trace`)) as [string, string];
  writeFileSync(same, text);
  writeFileSync(other, text.replace('SIP/2.0 200 OK","callId"', 'SIP/2.0 202 Accepted","callId"'));
  expect(replay(same)).toMatchObject({ code: 0, out: expect.stringContaining('200 OK') });
  const { code, err } = replay(other);
  expect(code).toBe(1);
  expect(err).toMatch(
    /line \d+: event 3 at 12\.3 ms is another one now \(ringback 0\.0\.1 wrote it.*\), in startLine\./,
  );
  expect(err).toContain('expected {"type":"sip.sent"');
});

test('what stands in a trace has no power over a terminal, and nesting none over the stack', () => {
  const evil = '\u001b]0;owned\u0007\u009b31m';
  const text = trace().replace('"version":"0.0.1"', `"version":${JSON.stringify(evil)}`);
  const said = { v: 1, seq: 1, atMs: 0 };
  const heads = [
    { ...said, type: 'session.started', version: evil, wallTime: evil, configuration: {} },
    { ...said, type: 'listener.opened', transport: 'udp', address: evil, port: 1 },
    { ...said, type: 'media.latched', call: evil, address: evil, port: 1 },
  ].map((event) => `${JSON.stringify(event)}\n`);
  const [header = '', ...lines] = text.split(/(?<=\n)/);
  const other = lines
    .join('')
    .replace('SIP/2.0 200 OK","callId"', `SIP/2.0 200 \u009b",${JSON.stringify(evil)}:1,"callId"`);
  const deep = `{"counters":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)},"slot":1}\n`;
  const files = {
    printed: [header, ...heads, other],
    unreadable: [header, `{"counters":{"\\u001b[31m":"x"},"slot":1}\n`],
    deep: [header, ...lines, deep],
  };
  for (const [name, parts] of Object.entries(files)) {
    const file = join(folder, `${name}.trace`);
    writeFileSync(file, parts.join(''));
    const { out, err } = replay('-v', file);
    expect(out + err).not.toMatch(/[^\P{Cc}\n]/u);
    expect(err).toContain(name === 'printed' ? 'is another one now' : 'cannot be played');
  }
});

test('malformed messages end with 1, a file that cannot be read with 2', () => {
  const malformed = replay(join(import.meta.dir, '../../fixtures/sip/malformed_response.txt'));
  expect(malformed.code).toBe(1);
  expect(malformed.out).toContain('CSeq: one INVITE\n          ^\n');
  expect(replay(join(folder, 'nowhere.txt'))).toMatchObject({ code: 2, out: '' });
  const prose = join(folder, 'prose.md');
  writeFileSync(prose, '# A page\n\nIt speaks of SIP/2.0 and has none.\n');
  const { code, err } = replay(prose);
  expect([code, err]).toEqual([
    2,
    expect.stringContaining('expected a trace (--trace), SIP messages as text'),
  ]);
});

test('a file that cannot be written, and a transcript of no known form, are wrong usage', () => {
  const open = (options: { trace?: string; transcript?: string }) => () =>
    openRecords(options, 'service', () => {});
  expect(open({ trace: join(folder, 'no/such/folder') })).toThrow(UsageError);
  expect(open({ transcript: join(folder, 'call.pdf') })).toThrow(
    'must end in .md (markdown) or .txt (a ladder)',
  );
});

test('a transcript is written when it is closed', async () => {
  const file = join(folder, 'session.md');
  const records = openRecords({ transcript: file }, 'service', () => {});
  expect(readFileSync(file, 'utf8')).toBe('');
  await records.close();
  expect(readFileSync(file, 'utf8')).toBe('# Transcript\n');
});
