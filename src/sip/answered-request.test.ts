import { expect, test } from 'bun:test';
import { openStage, requestText } from './transaction-stage.ts';

test('a server transaction keeps the header fields of its request until the final response, and no longer', () => {
  const stage = openStage();
  const transaction = stage.open(requestText('INVITE', { 'X-Long': 'x'.repeat(1_000) }));
  stage.respond(transaction, 180);
  expect(transaction.request.headers.length).toBeGreaterThan(6);
  stage.respond(transaction, 486);
  expect(transaction.request.headers).toEqual([]);
  expect(transaction.request.body).toHaveLength(0);
  expect(transaction.core.from.uri).toBe('');
});

test('the final response is repeated from its bytes when nothing of the request is left (§17.2.1, §17.2.2)', () => {
  for (const method of ['INVITE', 'OPTIONS']) {
    const stage = openStage();
    const text = requestText(method);
    stage.respond(stage.open(text), 486);
    const first = stage.lastSent;
    stage.receive(text);
    expect(stage.sentAt('SIP/2.0 486')).toEqual([0, 0]);
    expect(stage.lastSent).toBe(first);
  }
});

test('a 2xx that was acknowledged is not kept, and the INVITE that comes late is swallowed (RFC 6026 §7.1)', () => {
  const stage = openStage();
  const text = requestText('INVITE');
  const transaction = stage.open(text);
  stage.respond(transaction, 200);
  stage.layer.settle(transaction);
  expect(transaction.last).toBeUndefined();
  expect(stage.receive(text)).toBe('absorbed');
  expect(stage.sentAt('SIP/2.0 200')).toEqual([0]);
});
