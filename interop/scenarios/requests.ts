/** What is asked beside calls: INFO, MESSAGE, NOTIFY, SUBSCRIBE, REFER, and an Accept without our answer's type. */
import { check, type Lab } from '../lab.ts';
import { headerOf, isResponse, offerText, openRawPeer, requestText, statusOf, toTagOf } from '../raw-peer.ts';
import { startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';

type Transport = 'udp' | 'tcp';

/** Requests out of any dialog, the status that is due, and a field that comes with it. */
const REFUSED = [
  {
    method: 'NOTIFY',
    extra: ['Event: presence'],
    status: 489,
    field: 'Allow-Events',
    says: 'message-summary',
  },
  { method: 'SUBSCRIBE', extra: ['Event: presence'], status: 489, field: 'Allow-Events', says: '' },
  {
    method: 'REFER',
    extra: ['Refer-To: <sip:carol@example.org>'],
    status: 405,
    field: 'Allow',
    says: 'INVITE',
  },
  { method: 'INVITE', extra: ['Accept: text/html'], status: 406, field: 'Accept', says: '' },
] as const;

async function refusedInGoodForm(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab);
  const target = ringback.port;
  const peer = await openRawPeer(lab, transport, target);
  for (const { method, extra, status, field, says } of REFUSED) {
    const callId = `refused-${method}`;
    const body = method === 'INVITE' ? offerText(7_000) : '';
    peer.send(requestText(peer, method, { callId, target, extra, body }));
    const answer = await peer.wait(
      `an answer to ${method}`,
      (one) => statusOf(one) >= 200 && headerOf(one, 'CSeq') === `1 ${method}`,
    );
    check(statusOf(answer) === status, `${method}: ${answer.split('\r\n')[0]}, ${status} is due`);
    check(headerOf(answer, field).startsWith(says), `${method}: ${field} is ${headerOf(answer, field)}`);
    if (method !== 'INVITE') continue;
    const branch = `z9hG4bK-${callId}-INVITE-1`;
    peer.send(requestText(peer, 'ACK', { callId, target, toTag: toTagOf(answer), branch }));
  }
  await ringback.stop();
}

/** A key in an INFO of a call, and a text that comes back in it. */
async function keysAndTexts(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab, ['--echo-messages']);
  const target = ringback.port;
  const peer = await openRawPeer(lab, transport, target);
  const callId = 'keys';
  const typed = (type: string, method: string, cseq: number, toTag: string, body: string) =>
    requestText(peer, method, { callId, target, toTag, cseq, body }).replace('application/sdp', type);
  peer.send(requestText(peer, 'INVITE', { callId, target, body: offerText(7_000) }));
  const toTag = toTagOf(await peer.wait('200', isResponse(200, '1 INVITE')));
  peer.send(requestText(peer, 'ACK', { callId, target, toTag, branch: 'z9hG4bK-ack' }));
  peer.send(typed('application/dtmf-relay', 'INFO', 2, toTag, 'Signal=5\r\nDuration=160\r\n'));
  await peer.wait('200 to INFO', isResponse(200, '2 INFO'));
  await ringback.wait(
    'dtmf.received',
    ({ digit, durationMs, by }) => `${digit} ${durationMs} ${by}` === '5 160 info',
  );
  peer.send(typed('text/plain', 'MESSAGE', 3, toTag, 'hello'));
  await peer.wait('200 to MESSAGE', isResponse(200, '3 MESSAGE'));
  const echoed = await peer.wait('the text back', (one) => one.startsWith('MESSAGE '));
  check(echoed.endsWith('\r\n\r\nhello'), `the text came back as ${echoed}`);
  peer.send(requestText(peer, 'BYE', { callId, target, toTag, cseq: 4 }));
  await peer.wait('200 to BYE', isResponse(200, '4 BYE'));
  await ringback.stop();
}

export const requestScenarios: readonly Scenario[] = [
  ...overBoth('requests that are refused in good form', refusedInGoodForm),
  ...overBoth('keys in INFO and texts that come back', keysAndTexts),
];
