import { expect, test } from 'bun:test';
import { isLoopable, isSpeech, staticPayload } from './codecs.ts';

test('the static types of RFC 3551 §6 need no rtpmap', () => {
  expect(staticPayload(0)).toEqual({ type: 0, name: 'PCMU', clockRate: 8000 });
  expect(staticPayload(8)).toEqual({ type: 8, name: 'PCMA', clockRate: 8000 });
  expect(staticPayload(18)).toEqual({ type: 18, name: 'G729', clockRate: 8000 });
  expect(staticPayload(96)).toBeUndefined();
  expect(staticPayload(34)).toBeUndefined();
});

test('the RTP clock of G722 is 8000 Hz (RFC 3551 §4.5.2)', () => {
  expect(staticPayload(9)?.clockRate).toBe(8000);
});

test('every static audio type can be looped', () => {
  for (let type = 0; type < 35; type += 1) {
    const payload = staticPayload(type);
    if (payload !== undefined) expect(isLoopable(payload.name)).toBe(true);
  }
});

test('telephone events and comfort noise are looped and are no speech (RFC 4733, RFC 3389)', () => {
  for (const name of ['TELEPHONE-EVENT', 'CN'])
    expect([isLoopable(name), isSpeech(name)]).toEqual([true, false]);
});

test('what refers to other packets is not looped (RFC 2198, RFC 4588, RFC 5109)', () => {
  for (const name of ['RED', 'RTX', 'ULPFEC', 'H264', 'T140']) expect(isLoopable(name)).toBe(false);
});
