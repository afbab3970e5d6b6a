/** The reducer: what is remembered, and that nothing of it grows for ever. */
import { expect, test } from 'bun:test';
import type { EventBody } from '../events.ts';
import { talkedMs } from './call-facts.ts';
import { applyEvent, newModel, packetRates } from './model.ts';
import { scene } from './screen-scene.ts';

const base = { callId: 'a', direction: 'incoming', peer: 'sip:1@x' } as const;

function feed(bodies: readonly EventBody[]) {
  const model = newModel();
  bodies.forEach((body, index) => {
    applyEvent(model, { v: 1, seq: index + 1, atMs: index, ...body });
  });
  return model;
}

test('calls are counted: those that stand, the most at once, and all', () => {
  const { model } = scene();
  expect([model.live, model.peak, model.total]).toEqual([3, 4, 4]);
});

test('a message that comes a second time is marked', () => {
  const { model } = scene();
  const ladder = [...(model.calls.get('call-100-echo-001')?.ladder ?? [])];
  const oks = ladder.filter(({ event }) => event.type === 'sip.sent' && event.startLine.includes('200'));
  expect(oks.map(({ again }) => again)).toEqual([false, true]);
});

test('a call that was answered has talked until it ended', () => {
  const { model } = scene();
  const call = model.calls.get('call-104-echo-004');
  expect(call === undefined ? 0 : talkedMs(call, 1e9)).toBe(65_010);
});

test('packets a second are those of the calls that stand', () => {
  const { model } = scene();
  expect(packetRates(model)).toEqual({ received: 76, sent: 76 });
});

test('ten thousand calls leave two hundred, and the log five thousand lines', () => {
  const bodies = Array.from({ length: 10_000 }, (_, number): EventBody[] => [
    { type: 'call.changed', call: `call-${number}`, ...base, from: 'idle', to: 'ringing' },
    { type: 'call.changed', call: `call-${number}`, ...base, from: 'ringing', to: 'terminated' },
  ]).flat();
  const model = feed(bodies);
  expect([model.live, model.total, model.calls.size, model.log.length]).toEqual([0, 10_000, 200, 5_000]);
});

test('one call of a hundred thousand messages keeps three hundred', () => {
  const line = { transport: 'udp', remote: 'x', startLine: 'OPTIONS sip:x SIP/2.0', bytes: 1 } as const;
  const model = feed([
    { type: 'call.changed', call: 'c', ...base, from: 'idle', to: 'ringing' },
    ...Array.from(
      { length: 2_000 },
      (_, n): EventBody => ({ type: 'sip.received', call: 'c', cseq: `${n}`, ...line }),
    ),
  ]);
  expect(model.calls.get('c')?.ladder.length).toBe(300);
});

test('what comes of a call after it was forgotten makes no new one of it', () => {
  const totals = {
    packetsReceived: 0,
    packetsSent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    lost: 0,
    reordered: 0,
  };
  const model = feed([{ type: 'media.stopped', call: 'gone', ...totals, sendErrors: 0, durationMs: 1 }]);
  expect(model.calls.size).toBe(0);
});
