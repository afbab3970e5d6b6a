/**
 * Every view at four widths, as Ink draws it, held against fixtures/golden/screen-*.txt; `UPDATE_GOLDEN=1` writes
 * them anew, and the difference is read before it is committed.
 */
import { expect, test } from 'bun:test';
import { stripVTControlCharacters } from 'node:util';
import { renderToString } from 'ink';
import { expectGolden } from '../../fixtures/golden.ts';
import { width } from './cells.ts';
import { frame } from './frame.ts';
import { FrameView } from './frame-view.tsx';
import { scene } from './screen-scene.ts';
import { theme } from './theme.ts';
import { FIRST_VIEW, type View } from './view.ts';

const VIEWS: Readonly<Record<string, Partial<View>>> = {
  main: {},
  log: { pane: 'log', kind: 'messages' },
  filtered: { callsFilter: 'anna' },
  'call-silent': { page: 'call', chosen: 'call-103-echo-003' },
  'call-lossy': { page: 'call', chosen: 'call-101-echo-002', ladderAt: 4 },
  message: { page: 'message', chosen: 'call-100-echo-001', ladderAt: 12 },
  help: { help: true },
  question: { question: { text: 'Hang up Anna Berg?', wish: { type: 'hangup', call: 'x' } } },
};

function drawn(about: Partial<View>, columns: number, ascii = false): string {
  const size = { columns, rows: 24 };
  const lines = frame(scene().model, { ...FIRST_VIEW, ...about }, size, { ascii });
  const text = renderToString(<FrameView lines={lines} size={size} theme={theme(false)} />, { columns });
  return stripVTControlCharacters(text);
}

for (const [name, view] of Object.entries(VIEWS)) {
  for (const columns of [60, 80, 120, 200]) {
    test(`the ${name} view at ${columns} columns is as it was`, () => {
      expectGolden(`fixtures/golden/screen/${name}-${columns}.txt`, `${drawn(view, columns)}\n`);
    });
  }
}

test('no row is wider than the terminal, and there are exactly as many as it has', () => {
  for (const view of Object.values(VIEWS)) {
    for (const columns of [40, 61, 79, 80, 133, 250]) {
      for (const rows of [8, 24, 60]) {
        const lines = frame(scene().model, { ...FIRST_VIEW, ...view }, { columns, rows }, { ascii: false });
        expect(lines).toHaveLength(rows);
        for (const line of lines) {
          const wide = line.reduce((sum, { text }) => sum + width(text), 0);
          expect(wide).toBeLessThanOrEqual(columns);
        }
      }
    }
  }
});

test('a terminal that is too small says so, and shows a question all the same', () => {
  const words = (view: Partial<View>, columns: number, rows: number) =>
    frame(scene().model, { ...FIRST_VIEW, ...view }, { columns, rows }, { ascii: false }).map((line) =>
      line
        .map(({ text }) => text)
        .join('')
        .trimEnd(),
    );
  expect(words({}, 39, 24)).toEqual(['The terminal is too small.']);
  const asked = VIEWS.question ?? {};
  expect(words(asked, 39, 24)).toEqual(['Hang up Anna Berg?', 'y yes, any other key no']);
  expect(words(asked, 10, 1)).toEqual(['Hang up A…']);
});

test('the cause and the next step stand there in full, however narrow the terminal', () => {
  const { model } = scene();
  const silent = 'call-103-echo-003';
  const [diagnosis] = model.calls.get(silent)?.diagnoses ?? [];
  for (const size of [
    { columns: 60, rows: 20 },
    { columns: 80, rows: 24 },
  ]) {
    const lines = frame(model, { ...FIRST_VIEW, page: 'call', chosen: silent }, size, { ascii: false });
    const text = lines.map((line) => line.map((segment) => segment.text.trim()).join(' ')).join(' ');
    const words = text.replace(/\s+/g, ' ');
    expect(words).toContain(diagnosis?.cause ?? 'no diagnosis');
    expect(words).toContain(diagnosis?.next ?? 'no diagnosis');
    expect(words).toContain('q quit');
  }
});

test('the page of keys says of q what it does: on an attached screen it ends nothing', () => {
  const words = (endsCalls: boolean) =>
    frame(
      scene().model,
      { ...FIRST_VIEW, help: true, endsCalls },
      { columns: 120, rows: 40 },
      { ascii: false },
    )
      .flat()
      .map(({ text }) => text)
      .join(' ');
  expect(words(true)).toContain('end all calls, unregister, leave');
  expect(words(false)).not.toContain('end all calls');
  expect(words(false)).toContain('calls and registrations go on');
});

test('what a caller calls itself reaches no terminal as a control sequence', () => {
  for (const view of Object.values(VIEWS)) {
    const lines = frame(
      scene().model,
      { ...FIRST_VIEW, ...view },
      { columns: 120, rows: 40 },
      { ascii: false },
    );
    const text = lines.flatMap((line) => line.map((segment) => segment.text)).join('');
    expect(/\p{Cc}/u.test(text)).toBe(false);
  }
});

test('plain ASCII is plain ASCII, names of people aside', () => {
  for (const view of Object.values(VIEWS)) {
    const text = drawn(view, 120, true).replace(/[王小明é…]/gu, '');
    expect(text.replace(/[\n -~]/g, '')).toBe('');
  }
});
