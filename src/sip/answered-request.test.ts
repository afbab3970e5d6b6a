import { expect, test } from 'bun:test';
import { ANSWERED_CORE, ANSWERED_REQUEST } from './answered-request.ts';
import { responseBytes } from './serialize-message.ts';
import { RFC_TIMERS } from './timers.ts';
import { DATAGRAMS, openStage, readRequest, requestText } from './transaction-stage.ts';
import { TransactionLayer } from './transactions.ts';
import { TransportLayer } from './transport-layer.ts';
import { Turn } from './turn.ts';

test('a server transaction keeps its request until the final response, and no longer', () => {
  const stage = openStage();
  const transaction = stage.open(requestText('INVITE', { 'X-Long': 'x'.repeat(1_000) }));
  stage.respond(transaction, 180);
  expect(transaction.request.headers.length).toBeGreaterThan(6);
  stage.respond(transaction, 486);
  expect(transaction.request).toBe(ANSWERED_REQUEST);
  expect(transaction.core).toBe(ANSWERED_CORE);
});

test('on a stream it keeps the Via of an INVITE, which says where a new one would go (§18.2.2)', () => {
  const stage = openStage('tcp');
  const transaction = stage.open(requestText('INVITE'));
  stage.respond(transaction, 486);
  expect(transaction.core.via.host).toBe('192.0.2.1');
});

test('what is repeated after the final response is still named in its event', () => {
  const transport = new TransportLayer(false);
  const layer = new TransactionLayer<string>(transport, RFC_TIMERS, false);
  const { message, core } = readRequest(requestText('BYE'));
  const events = [0, 1].map((again) => {
    const turn = new Turn(0);
    const known = layer.matchServer(message, core);
    if (again === 0) {
      const opened = layer.openServer(turn, message, core, DATAGRAMS, 'call-1', 400);
      layer.respond(turn, opened, 200, responseBytes(message, 200));
    } else if (known !== undefined) layer.receiveAgain(turn, known, message);
    return turn.outputs.find((one) => one.type === 'event' && one.event.type === 'sip.sent');
  });
  expect(events[0]).toMatchObject({
    event: { callId: 'stage-1', cseq: '1 BYE', startLine: 'SIP/2.0 200 OK' },
  });
  expect(events[1]).toEqual(events[0]);
});

test('a CANCEL that comes after the final response finds its INVITE by branch and sent-by alone (§9.2)', () => {
  const stage = openStage();
  const transaction = stage.open(requestText('INVITE'));
  const cancel = readRequest(requestText('CANCEL', { 'Call-ID': 'another' }));
  expect(stage.layer.matchCancelled(cancel.message, cancel.core)).toBeUndefined();
  stage.respond(transaction, 200);
  expect(stage.layer.matchCancelled(cancel.message, cancel.core)).toBe(transaction);
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
