import { expect, test } from 'bun:test';
import type { Event } from '../events.ts';
import { shownFilter } from './transcript.ts';

function sent(seq: number, method: string, callId: string): Event {
  const about = { transport: 'udp', remote: '192.0.2.1:5060', cseq: `1 ${method}`, bytes: 400 } as const;
  return {
    v: 1,
    seq,
    atMs: seq,
    type: 'sip.sent',
    startLine: `${method} sip:lab.local SIP/2.0`,
    callId,
    ...about,
  };
}

test('a replayed session of a lab command has no keepalives without -v, as the live one had none', () => {
  const events = [sent(1, 'REGISTER', 'a'), sent(2, 'OPTIONS', 'b')];
  const shownAt = (verbosity: number) => events.filter(shownFilter(verbosity)).map(({ seq }) => seq);
  expect(shownAt(0)).toEqual([1]);
  expect(shownAt(1)).toEqual([1, 2]);
});
