/** Keys, pressed without a terminal: what the person sees next, and what the engine is asked for. */
import { expect, test } from 'bun:test';
import { frame } from './frame.ts';
import { applyEvent, newModel } from './model.ts';
import { scene } from './screen-scene.ts';
import { chosenCall, FIRST_VIEW, press, shownLog, type View, type Wish } from './view.ts';

const { model } = scene();

/** Presses one key after the other; the last view, and all that was wished for. */
function keys(pressed: readonly string[], from: View = FIRST_VIEW, of = model) {
  let view = from;
  const wishes: Wish[] = [];
  for (const key of pressed) {
    const next = press(view, key, of, 5);
    view = next.view;
    if (next.wish !== undefined) wishes.push(next.wish);
  }
  return { view, wishes };
}

test('h asks, and y hangs up the call that is chosen', () => {
  const chosen = chosenCall(FIRST_VIEW, model)?.handle ?? '';
  expect(keys(['h']).wishes).toEqual([]);
  expect(keys(['h']).view.question?.text).toContain('Hang up');
  expect(keys(['h', 'y']).wishes).toEqual([{ type: 'hangup', call: chosen }]);
});

test('any other key than y leaves the call alone', () => {
  for (const key of ['n', 'esc', 'enter', 'h', ' ', 'ctrl-c']) {
    expect(keys(['h', key]).wishes).toEqual([]);
    expect(keys(['h', key]).view.question).toBeUndefined();
  }
});

test('one key alone ends nothing', () => {
  for (let code = 32; code < 127; code++) {
    const { wishes } = keys([String.fromCharCode(code)]);
    expect(wishes.filter(({ type }) => type !== 'register' && type !== 'export' && type !== 'hold')).toEqual(
      [],
    );
  }
});

test('H asks for all, and says how many', () => {
  expect(keys(['H']).view.question?.text).toContain('3');
  expect(keys(['H', 'y']).wishes).toEqual([{ type: 'hangup-all' }]);
});

test('q asks while calls are up, and leaves at once when there are none', () => {
  expect(keys(['q']).wishes).toEqual([]);
  expect(keys(['q', 'y']).wishes).toEqual([{ type: 'quit' }]);
  expect(keys(['ctrl-c', 'ctrl-c']).wishes).toEqual([{ type: 'quit' }]);
  expect(keys(['q'], FIRST_VIEW, newModel()).wishes).toEqual([{ type: 'quit' }]);
});

test('o holds a call that stands and resumes one that is held; an ended one it does not', () => {
  const held = { ...FIRST_VIEW, chosen: 'call-101-echo-002' };
  expect(keys(['o'], held).wishes).toEqual([{ type: 'resume', call: 'call-101-echo-002' }]);
  const standing = { ...FIRST_VIEW, chosen: 'call-100-echo-001' };
  expect(keys(['o'], standing).wishes).toEqual([{ type: 'hold', call: 'call-100-echo-001' }]);
  const over = { ...FIRST_VIEW, chosen: 'call-104-echo-004' };
  expect(keys(['o'], over).wishes).toEqual([]);
  expect(keys(['o'], over).view.notice).toBeDefined();
});

test('c takes an address and calls it; Esc forgets it', () => {
  const typed = ['c', ...'sip:7@x.org', 'enter'];
  expect(keys(typed).wishes).toEqual([{ type: 'call', to: 'sip:7@x.org' }]);
  expect(keys(['c', 'x', 'esc']).wishes).toEqual([]);
  expect(keys(['c', 'a', 'b', 'backspace', 'enter']).wishes).toEqual([{ type: 'call', to: 'a' }]);
  expect(keys(['c', 'enter']).wishes).toEqual([]);
});

test('e asks for a file, with the handle as its name, and Enter writes it', () => {
  const chosen = chosenCall(FIRST_VIEW, model)?.handle ?? '';
  expect(keys(['e']).view.prompt).toEqual({ kind: 'export', text: `${chosen}.md`, call: chosen });
  expect(keys(['e', 'enter']).wishes).toEqual([{ type: 'export', call: chosen, file: `${chosen}.md` }]);
  expect(keys(['e', 'esc']).wishes).toEqual([]);
});

test('while an address is typed, letters are letters', () => {
  expect(keys(['c', 'q', 'h', 'H']).wishes).toEqual([]);
  expect(keys(['c', 'q', 'h']).view.prompt?.text).toBe('qh');
});

test('a filter works while it is typed, and Esc takes it back', () => {
  const filtered = keys(['/', ...'anna']);
  expect(chosenCall(filtered.view, model)?.displayName).toBe('Anna Berg');
  expect(keys(['esc'], filtered.view).view.callsFilter).toBe('');
});

test('the log follows its end until it is scrolled, then stays where it is', () => {
  const scrolled = keys(['tab', 'k', 'k']).view;
  expect(scrolled.logAt).toBe((shownLog(FIRST_VIEW, model).at(-3) as { number: number }).number);
  expect(keys(['G'], scrolled).view.logAt).toBeUndefined();
  expect(keys(['j', 'j'], scrolled).view.logAt).toBeUndefined();
});

test('Enter on a line of the log opens its call', () => {
  const { view } = keys(['tab', 'k', 'enter']);
  expect(view.page).toBe('call');
  expect(view.chosen).toBe('call-104-echo-004');
});

test('Enter, Enter, Esc, Esc: the call, its message, and back', () => {
  expect(keys(['enter']).view.page).toBe('call');
  expect(keys(['enter', 'enter']).view.page).toBe('message');
  expect(keys(['enter', 'enter', 'esc']).view.page).toBe('call');
  expect(keys(['enter', 'enter', 'esc', 'esc']).view.page).toBe('main');
});

test('the chosen call stays chosen when another one comes', () => {
  const { view } = keys(['j']);
  const before = chosenCall(view, model)?.handle;
  expect(before).not.toBe(chosenCall(FIRST_VIEW, model)?.handle);
  expect(chosenCall(view, scene().model)?.handle).toBe(before ?? '');
});

test('every key of a thousand random ones leaves a view that can be drawn', async () => {
  const { frame } = await import('./frame.ts');
  const { KEYS } = await import('./keys.ts');
  const all = [...KEYS.flatMap((key) => key.keys), 'y', 'n', 'x', 'backspace'];
  let view = FIRST_VIEW;
  for (let turn = 0; turn < 3000; turn++) {
    const key = all[(turn * 7919 + (turn >> 3) * 31) % all.length] as string;
    ({ view } = press(view, key, model, 5));
    expect(frame(model, view, { columns: 80, rows: 24 }, { ascii: false })).toHaveLength(24);
  }
});

test('a line of the log that belongs to no call opens in full: cause and next step of a registration', () => {
  const alone = newModel();
  applyEvent(alone, {
    v: 1,
    seq: 1,
    atMs: 1,
    type: 'diagnosis.raised',
    account: 'sip:100@lab.local',
    code: 'tls-unknown-issuer',
    severity: 'error',
    evidence: '192.0.2.1:5061',
    cause: 'a private issuer',
    next: 'give it with --tls-ca FILE',
  });
  const { view } = keys(['tab', 'enter'], FIRST_VIEW, alone);
  const shown = frame(alone, view, { columns: 80, rows: 24 }, { ascii: false });
  const text = shown.map((line) => line.map((part) => part.text).join('')).join('\n');
  expect(text).toContain('cause: a private issuer');
  expect(text).toContain('next: give it with --tls-ca FILE');
  expect(keys(['esc'], view, alone).view.page).toBe('main');
});
