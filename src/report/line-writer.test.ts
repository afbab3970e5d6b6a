import { expect, test } from 'bun:test';
import { type LineStream, lineWriter } from './line-writer.ts';

/** A stream whose reader takes what it wants when the test says so. */
function slowStream() {
  const writes: string[] = [];
  const waiting: ((error?: Error) => void)[] = [];
  let fail: (error: Error) => void = () => {};
  const stream: LineStream = {
    write(text, done) {
      writes.push(text);
      waiting.push(done);
    },
    on(_, listener) {
      fail = listener;
    },
  };
  const take = () => {
    for (const done of waiting.splice(0)) done();
  };
  return { stream, writes, take, break: () => fail(new Error('EPIPE')) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('the lines of one turn go out in one write', async () => {
  const { stream, writes } = slowStream();
  const writer = lineWriter(stream, () => {});
  writer.write('a');
  writer.write('b');
  expect(writes).toEqual([]);
  await turn();
  expect(writes).toEqual(['a\nb\n']);
});

test('a reader that does not read costs a bounded memory, and lines again once it reads', async () => {
  const { stream, writes, take } = slowStream();
  const writer = lineWriter(stream, () => {}, 10);
  for (const line of ['1234', '5678', 'lost']) writer.write(line);
  expect(writer.dropped()).toBe(1);
  await turn();
  writer.write('lost too');
  expect(writer.dropped()).toBe(2);
  take();
  writer.write('back');
  await turn();
  expect(writes).toEqual(['1234\n5678\n', 'back\n']);
});

test('a reader that left is told of once, and nothing is written after', async () => {
  const { stream, writes, break: breakIt } = slowStream();
  let gone = 0;
  const writer = lineWriter(stream, () => gone++);
  writer.write('a');
  await turn();
  breakIt();
  breakIt();
  writer.write('b');
  await turn();
  expect([gone, writes]).toEqual([1, ['a\n']]);
  await writer.flush(60_000);
});

test('flush writes what waits and resolves when it was taken', async () => {
  const { stream, writes, take } = slowStream();
  const writer = lineWriter(stream, () => {});
  writer.write('last');
  const flushed = writer.flush(60_000);
  expect(writes).toEqual(['last\n']);
  take();
  await flushed;
  await lineWriter(slowStream().stream, () => {}).flush(60_000);
});
