/** What two sides may tell of the end of a call, and what they may not (RFC 3261 §13.3.1.4, §15). */
import { expect, test } from 'bun:test';
import { VirtualNetwork } from '../src/io/virtual.ts';
import { endpointConfig } from '../src/io/virtual-scene.ts';
import type { CallState } from '../src/sip/call.ts';
import { bytesOf } from '../src/sip/text.ts';
import { type NodeRecord, newRecord, noteEvent, noteHeard, noteSent } from './node-record.ts';
import { disagreements, doubledAt, unbalancedAt, unendedAt } from './rest.ts';
import { readWire } from './wire-message.ts';

/** A side of a call that went through those states, and what it said at the end. */
function side(
  direction: 'incoming' | 'outgoing',
  states: readonly CallState[],
  reason = 'hung up',
): NodeRecord {
  const local = { address: '192.0.2.1', port: 5060 };
  const record = newRecord(new VirtualNetwork().addEndpoint('x', local, endpointConfig(local)), false);
  tell(record, `${direction}-1`, direction, states, reason);
  return record;
}

function tell(
  record: NodeRecord,
  call: string,
  direction: 'incoming' | 'outgoing',
  states: readonly CallState[],
  reason: string,
): void {
  let from: CallState = 'idle';
  for (const to of states) {
    noteEvent(record, { type: 'call.changed', call, callId: 'one', direction, peer: 'p', from, to, reason });
    from = to;
  }
}

/** A message of that call, by its start line and method. */
function message(start: string, method: string, branch: string, number = 1, to = ';tag=b') {
  const text = `${start}\r\nVia: SIP/2.0/UDP a;branch=${branch}\r\nFrom: <sip:a@a>;tag=a\r\nTo: <sip:b@b>${to}\r\nCall-ID: one\r\nCSeq: ${number} ${method}\r\n\r\n`;
  const read = readWire(bytesOf(text));
  if (read === undefined) throw new Error('no message');
  return read;
}

/** An INVITE outside any dialog. */
function first(number: number) {
  return message('INVITE sip:b SIP/2.0', 'INVITE', `i${number}`, number, '');
}

/** A caller that sent an INVITE and heard that answer; it acknowledged it, when it did. */
function caller(states: readonly CallState[], status: number, acknowledged: boolean): NodeRecord {
  const record = side('outgoing', states);
  noteSent(record, message('INVITE sip:b SIP/2.0', 'INVITE', 'i'));
  if (status > 0) noteHeard(record, message(`SIP/2.0 ${status} So`, 'INVITE', 'i'));
  if (acknowledged) noteSent(record, message('ACK sip:b SIP/2.0', 'ACK', 'k'));
  return record;
}

const STOOD: readonly CallState[] = ['calling', 'established', 'terminated'];
const ENDED: readonly CallState[] = ['calling', 'terminated'];
const ANSWERED: readonly CallState[] = ['ringing', 'answered', 'terminated'];
const HEARD: readonly CallState[] = ['ringing', 'answered', 'established', 'terminated'];
const REFUSED: readonly CallState[] = ['ringing', 'terminated'];

test.each([
  ['it stood for both', caller(STOOD, 200, true), side('incoming', HEARD)],
  ['every ACK was lost (§13.3.1.4)', caller(STOOD, 200, true), side('incoming', ANSWERED)],
  ['it was refused', caller(ENDED, 486, false), side('incoming', REFUSED)],
  ['the caller gave up before an answer came', caller(ENDED, 0, false), side('incoming', ANSWERED)],
  ['the 200 crossed the CANCEL (§9.1)', caller(ENDED, 200, true), side('incoming', HEARD)],
])('both sides agree when %s', (_, ours, theirs) => {
  expect(disagreements([ours, theirs])).toEqual([]);
});

test('a call that nobody heard of may be refused, given up, and never stand', () => {
  expect(disagreements([caller(ENDED, 404, false)])).toEqual([]);
  expect(disagreements([caller(ENDED, 0, false)])).toEqual([]);
  expect(disagreements([caller(STOOD, 200, true)]).join()).toContain('the callee unknown');
});

test.each([
  [
    'it stands for the caller, and the callee refused it',
    caller(STOOD, 200, true),
    side('incoming', REFUSED),
  ],
  ['it was refused, and the callee answered it', caller(ENDED, 486, false), side('incoming', ANSWERED)],
  ['the callee has an ACK that was not sent', caller(STOOD, 200, false), side('incoming', HEARD)],
  [
    'the callee has a BYE that was not sent',
    caller(STOOD, 200, true),
    side('incoming', HEARD, 'BYE received'),
  ],
])('they do not when %s', (_, ours, theirs) => {
  expect(disagreements([ours, theirs])).toHaveLength(1);
});

test('a call without an end, an INVITE that became two calls and a port that is never closed are seen', () => {
  const record = side('incoming', ['ringing', 'answered']);
  expect(unendedAt(record)).toEqual(['incoming-1 is answered and has no end']);
  noteHeard(record, first(1));
  expect(doubledAt(record)).toEqual([]);
  tell(record, 'incoming-2', 'incoming', REFUSED, 'hung up');
  expect(doubledAt(record)).toEqual(['one became 2 calls by 1 INVITEs']);
  // Tried again, as the first try was refused.
  noteHeard(record, first(2));
  expect(doubledAt(record)).toEqual([]);
  noteHeard(record, first(3));
  tell(record, 'incoming-3', 'incoming', ANSWERED, 'hung up');
  expect(doubledAt(record)).toEqual(['one was answered twice']);
  record.portsOpened = 2;
  record.portsClosed = 1;
  expect(unbalancedAt(record)).toEqual(['2 ports opened and 1 closed']);
});
