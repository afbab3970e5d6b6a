import { expect, test } from 'bun:test';
import { MAX_REMEMBERED_LENGTH, MAX_REMEMBERED_TEXTS } from './limits.ts';
import { remembering } from './remembered.ts';

/** A reader that says which texts it was asked for. */
function counted() {
  const asked: string[] = [];
  const read = remembering((text) => {
    asked.push(text);
    return text === '' ? null : { text };
  });
  return { read, asked };
}

test('a text is read once, and what was read is given again, nothing too', () => {
  const { read, asked } = counted();
  expect(read('a')).toBe(read('a'));
  expect([read(''), read('')]).toEqual([null, null]);
  expect(asked).toEqual(['a', '']);
});

test('a text that is too long to keep is read each time', () => {
  const { read, asked } = counted();
  const longest = 'x'.repeat(MAX_REMEMBERED_LENGTH);
  for (const text of [longest, longest, `${longest}x`, `${longest}x`]) expect(read(text)).toEqual({ text });
  expect(asked.length).toBe(3);
});

test('however many texts come, few are kept: it begins anew and says the same', () => {
  const { read, asked } = counted();
  const texts = Array.from({ length: MAX_REMEMBERED_TEXTS + 1 }, (_, index) => `t${index}`);
  for (const text of texts) expect(read(text)).toEqual({ text });
  // The last one made room, so the first one is forgotten, and the last one is not.
  read('t0');
  read(`t${MAX_REMEMBERED_TEXTS}`);
  expect(asked.length).toBe(texts.length + 1);
});
