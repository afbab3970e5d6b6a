import { expect, test } from 'bun:test';
import { BindingClient, type BindingSend } from './binding-client.ts';
import type { StunContent } from './message.ts';
import { parseStun } from './parse-stun.ts';
import { writeStun } from './write-stun.ts';

const SERVER = { address: '192.0.2.1', port: 3478 };
const MAPPED = { address: '198.51.100.2', port: 6060 };

function open() {
  let words = 0;
  return new BindingClient<string>(() => ++words);
}

/** The message that a server would send to that question. */
function answer({ bytes }: BindingSend<string>, content: Omit<StunContent, 'transactionId'>) {
  const asked = parseStun(bytes);
  if (!asked.ok) throw new Error(asked.fault.detail);
  const said = parseStun(writeStun({ transactionId: asked.value.transactionId, ...content }));
  if (!said.ok) throw new Error(said.fault.detail);
  return said.value;
}

test('a request goes out seven times, the waits double, and it is over after 39.5 s (§6.2.1)', () => {
  const client = open();
  const sentMs: number[] = [];
  const first = client.ask('sip', SERVER, 1_000);
  for (let next = client.nextMs(); next !== undefined; next = client.nextMs()) {
    for (const step of client.advance(next)) {
      sentMs.push(next - 1_000);
      if (step.type === 'send') expect(step.bytes).toBe(first.bytes);
      else expect(step).toEqual({ type: 'unanswered', owner: 'sip', server: SERVER });
    }
  }
  expect(sentMs).toEqual([500, 1_500, 3_500, 7_500, 15_500, 31_500, 39_500]);
  expect(client.size).toBe(0);
});

test('an answer is believed from the server that was asked alone, with our transaction id, and once', () => {
  const client = open();
  const asked = client.ask('sip', SERVER, 0);
  const good = answer(asked, { class: 'success', mapped: MAPPED });
  expect(client.receive({ ...good, transactionId: '0'.repeat(24) }, SERVER)).toBeUndefined();
  expect(client.receive(good, { ...SERVER, port: 3479 })).toBeUndefined();
  expect(client.receive(good, { ...SERVER, address: '192.0.2.9' })).toBeUndefined();
  expect(client.receive({ ...good, class: 'request' }, SERVER)).toBeUndefined();
  expect(client.receive({ ...good, method: 3 }, SERVER)).toBeUndefined();
  expect(client.receive(good, SERVER)).toEqual({
    owner: 'sip',
    verdict: { type: 'mapped', mapped: MAPPED },
  });
  expect(client.receive(good, SERVER)).toBeUndefined();
});

test('a new question takes the place of the one that is out: its answer comes too late', () => {
  const client = open();
  const before = client.ask('sip', SERVER, 0);
  const other = client.ask('rtp', SERVER, 0);
  client.ask('sip', SERVER, 100);
  expect(client.size).toBe(2);
  const success = { class: 'success', mapped: MAPPED } as const;
  expect(client.receive(answer(before, success), SERVER)).toBeUndefined();
  expect(client.receive(answer(other, success), SERVER)?.owner).toBe('rtp');
});

test('300 sends us to another server of the same family, not back to itself (§10)', () => {
  const verdict = (alternateServer: { address: string; port: number }) => {
    const client = open();
    const asked = client.ask('sip', SERVER, 0);
    const error = { code: 300, reason: 'Try Alternate' };
    return client.receive(answer(asked, { class: 'error', error, alternateServer }), SERVER)?.verdict;
  };
  const other = { address: '192.0.2.2', port: 3478 };
  expect(verdict(other)).toEqual({ type: 'elsewhere', server: other });
  expect(verdict(SERVER)).toEqual({ type: 'refused', detail: '300 Try Alternate' });
  expect(verdict({ address: '2001:db8::1', port: 1 })).toMatchObject({ type: 'refused' });
});

test('an error, an answer without an address and one that cannot be understood are no address (§6.3.3)', () => {
  const verdict = (content: Omit<StunContent, 'transactionId'>, notUnderstood: readonly number[] = []) => {
    const client = open();
    const message = answer(client.ask('sip', SERVER, 0), content);
    return client.receive({ ...message, notUnderstood }, SERVER)?.verdict;
  };
  expect(verdict({ class: 'error', error: { code: 500, reason: 'Server Error' } })).toEqual({
    type: 'refused',
    detail: '500 Server Error',
  });
  expect(verdict({ class: 'error' })).toMatchObject({ type: 'refused' });
  expect(verdict({ class: 'success' })).toMatchObject({ detail: 'an answer without an address' });
  expect(verdict({ class: 'success', mapped: MAPPED }, [0x0030])).toMatchObject({ type: 'refused' });
  // SOURCE-ADDRESS and CHANGED-ADDRESS of a server of RFC 3489.
  expect(verdict({ class: 'success', mapped: MAPPED }, [0x0004, 0x0005])).toEqual({
    type: 'mapped',
    mapped: MAPPED,
  });
});

test('an address that nobody can send from, or of another family than the way there, is not ours', () => {
  const verdict = (address: string, port = 5060) => {
    const client = open();
    const asked = client.ask('sip', SERVER, 0);
    return client.receive(answer(asked, { class: 'success', mapped: { address, port } }), SERVER)?.verdict
      .type;
  };
  expect(verdict('203.0.113.5')).toBe('mapped');
  for (const none of ['0.0.0.0', '224.0.0.1', '255.255.255.255', '::', 'ff02::1', '2001:db8::1']) {
    expect(verdict(none)).toBe('refused');
  }
  expect(verdict('203.0.113.5', 0)).toBe('refused');
});

test('an ICMP error ends every question to that address, and no other', () => {
  const client = open();
  client.ask('sip', SERVER, 0);
  client.ask('rtp', { ...SERVER, port: 3479 }, 0);
  expect(client.unreachable(SERVER)).toEqual(['sip']);
  expect(client.size).toBe(1);
});
