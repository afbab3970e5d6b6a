/** No bytes throw, and what was read can be answered and read again. Damage is put into messages that are right. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { MAX_UNKNOWN_ATTRIBUTES, type StunClass } from './message.ts';
import { parseStun } from './parse-stun.ts';
import { bindingAnswer, writeStun } from './write-stun.ts';

const CLASSES: readonly StunClass[] = ['request', 'indication', 'success', 'error'];
const transactionId = '00112233445566778899aabb';

/** Every class with everything in it, with and without a fingerprint, over both families. */
const messages = CLASSES.flatMap((kind) =>
  [{ address: '192.0.2.1', port: 5060 }, { address: '2001:db8::7', port: 65_535 }, undefined].flatMap(
    (mapped) =>
      [true, false].map((fingerprint) =>
        writeStun({
          class: kind,
          transactionId,
          fingerprint,
          ...(mapped === undefined
            ? {}
            : {
                mapped,
                alternateServer: mapped,
                error: { code: 300, reason: '\u001b[2J' },
                software: 'x'.repeat(9),
                unknownAttributes: [1, 2, 0xffff],
              }),
        }),
      ),
  ),
);

/** Bytes changed, some taken away, and now and then the length made right again, so that it is read to the end. */
const damaged = fc
  .record({
    bytes: fc.constantFrom(...messages),
    changes: fc.array(fc.record({ at: fc.nat(200), to: fc.nat(255) }), { maxLength: 4 }),
    more: fc.uint8Array({ maxLength: 24 }),
    cut: fc.nat(12),
    repaired: fc.boolean(),
  })
  .map(({ bytes, changes, more, cut, repaired }) => {
    const result = Buffer.concat([bytes.subarray(0, bytes.length - cut), more]);
    for (const { at, to } of changes) result[at % result.length] = to;
    if (repaired) {
      result[0] = (result[0] ?? 0) & 0x3f;
      result.writeUInt16BE(Math.max(0, result.length - 20), 2);
      result.writeUInt32BE(0x2112a442, 4);
    }
    return result;
  });

test('fuzz: any bytes are a message or a fault, and never thrown at', () => {
  let read = 0;
  let faults = 0;
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 64 })), (bytes) => {
      const parsed = parseStun(bytes);
      if (!parsed.ok) {
        faults++;
        return parsed.fault.offset <= bytes.length;
      }
      read++;
      const answer = bindingAnswer(parsed.value, { address: '192.0.2.9', port: 9 });
      if (answer === undefined) return true;
      const again = parseStun(answer);
      const bound = 20 + 8 + 4 + 2 * MAX_UNKNOWN_ATTRIBUTES + 8;
      return again.ok && again.value.transactionId === parsed.value.transactionId && answer.length <= bound;
    }),
    fuzz(),
  );
  // Both ways were taken, or nothing was tested.
  expect(Math.min(read, faults)).toBeGreaterThan(100);
});
