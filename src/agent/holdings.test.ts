import { expect, test } from 'bun:test';
import type { Event } from '../events.ts';
import { Holdings } from './holdings.ts';

const CALL = 'call-100-101-001';
const COUNTERS = {
  packetsReceived: 50,
  packetsSent: 51,
  bytesReceived: 0,
  bytesSent: 0,
  lost: 0,
  reordered: 0,
};

test('packets are told while they are counted, and not as they were long ago', () => {
  const holdings = new Holdings();
  const about = { v: 1, seq: 1, call: CALL } as const;
  const events: Event[] = [
    {
      ...about,
      atMs: 0,
      type: 'call.changed',
      callId: 'a',
      direction: 'incoming',
      peer: 'sip:100@lab.local',
      from: 'answered',
      to: 'established',
    },
    {
      ...about,
      atMs: 1000,
      type: 'media.sampled',
      ...COUNTERS,
      packetsReceivedPerS: 50,
      packetsSentPerS: 50,
    },
  ];
  for (const event of events) holdings.note(event);
  expect(holdings.status(1500).calls[0]).toMatchObject({ packetsReceived: 50, packetsSent: 51 });
  expect(holdings.status(60_000).calls[0]).not.toHaveProperty('packetsReceived');
  expect(holdings.status(60_000).calls[0]).toMatchObject({ call: CALL, sinceS: 60 });
});
