/** What is asked beside calls (INFO, MESSAGE, NOTIFY, SUBSCRIBE, REFER, OPTIONS), and requests that cannot be served as they are. */
import { check, type Lab, sleep } from '../lab.ts';
import { headerOf, isResponse, offerText, openRawPeer, requestText, statusOf, toTagOf } from '../raw-peer.ts';
import { startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';

type Transport = 'udp' | 'tcp';

/** A request out of any dialog, the status that is due, and a field that comes with it. */
interface Refusal {
  readonly method: string;
  readonly extra?: readonly string[];
  /** What makes it wrong, where a field more does not. */
  readonly change?: (text: string) => string;
  readonly status: number;
  readonly field: string;
  readonly says: string;
}

const REFUSED: Readonly<Record<string, Refusal>> = {
  notify: {
    ...{ method: 'NOTIFY', extra: ['Event: presence'] },
    ...{ status: 489, field: 'Allow-Events', says: 'message-summary' },
  },
  subscribe: {
    ...{ method: 'SUBSCRIBE', extra: ['Event: presence'] },
    ...{ status: 489, field: 'Allow-Events', says: '' },
  },
  refer: {
    ...{ method: 'REFER', extra: ['Refer-To: <sip:carol@example.org>'] },
    ...{ status: 405, field: 'Allow', says: 'INVITE' },
  },
  accept: {
    ...{ method: 'INVITE', extra: ['Accept: text/html'] },
    ...{ status: 406, field: 'Accept', says: '' },
  },
  'accept-encoding': {
    ...{ method: 'INVITE', extra: ['Accept-Encoding: gzip, identity;q=0'] },
    ...{ status: 406, field: 'Accept-Encoding', says: '' },
  },
  type: {
    ...{ method: 'INVITE', change: (text: string) => text.replace('application/sdp', 'text/plain') },
    ...{ status: 415, field: 'Accept', says: 'application/sdp' },
  },
  encoding: {
    ...{ method: 'INVITE', extra: ['Content-Encoding: gzip'] },
    ...{ status: 415, field: 'Accept-Encoding', says: 'identity' },
  },
  'message-type': {
    ...{ method: 'MESSAGE', extra: ['Content-Type: image/png'] },
    change: (text: string) => text.replace('Content-Length: 0\r\n\r\n', 'Content-Length: 4\r\n\r\n\x89PNG'),
    ...{ status: 415, field: 'Accept', says: 'text/plain' },
  },
  scheme: {
    ...{
      method: 'OPTIONS',
      change: (text: string) => text.replace(/^OPTIONS sip:\S+/, 'OPTIONS mailto:echo@example.org'),
    },
    ...{ status: 416, field: 'CSeq', says: '1 OPTIONS' },
  },
  version: {
    ...{ method: 'OPTIONS', change: (text: string) => text.replace(' SIP/2.0\r\nVia', ' SIP/3.0\r\nVia') },
    ...{ status: 505, field: 'CSeq', says: '1 OPTIONS' },
  },
  codec: {
    ...{ method: 'INVITE', change: (text: string) => text.replace('RTP/AVP 0 8', 'RTP/AVP 13 19') },
    ...{ status: 488, field: 'Warning', says: '305 ' },
  },
  interval: {
    ...{ method: 'INVITE', extra: ['Supported: timer', 'Session-Expires: 30'] },
    ...{ status: 422, field: 'Min-SE', says: '90' },
  },
};

async function refusedInGoodForm(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab);
  const target = ringback.port;
  const peer = await openRawPeer(lab, transport, target);
  for (const [name, { method, extra = [], change, status, field, says }] of Object.entries(REFUSED)) {
    const callId = `refused-${name}`;
    const body = method === 'INVITE' ? offerText(7_000) : '';
    const text = requestText(peer, method, { callId, target, extra, body });
    peer.send(change?.(text) ?? text);
    const answer = await peer.wait(
      `an answer to ${name}`,
      (one) => statusOf(one) >= 200 && headerOf(one, 'Call-ID') === callId,
    );
    check(statusOf(answer) === status, `${name}: ${answer.split('\r\n')[0]}, ${status} is due`);
    check(headerOf(answer, field).startsWith(says), `${name}: ${field} is "${headerOf(answer, field)}"`);
    if (method !== 'INVITE') continue;
    const branch = `z9hG4bK-${callId}-INVITE-1`;
    peer.send(requestText(peer, 'ACK', { callId, target, toTag: toTagOf(answer), branch }));
  }
  const rang = ringback.all('call.changed').filter(({ to }) => to !== 'terminated');
  check(rang.length === 0, 'a refused INVITE rang');
  await ringback.stop();
}

/** What needs no more than 200: we are the last hop, whatever Max-Forwards says (§16.3 no. 3); a MESSAGE is taken, and stays. */
async function served(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab);
  const target = ringback.port;
  const peer = await openRawPeer(lab, transport, target);
  const noHops = requestText(peer, 'OPTIONS', { callId: 'hops', target });
  peer.send(noHops.replace('Max-Forwards: 70', 'Max-Forwards: 0'));
  const options = await peer.wait('200 to OPTIONS', isResponse(200, '1 OPTIONS'));
  for (const field of ['Allow', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Supported']) {
    check(headerOf(options, field) !== '', `no ${field} in the 200 to OPTIONS (§11.2)`);
  }
  const parts = { callId: 'text', target, body: 'hello' };
  const message = requestText(peer, 'MESSAGE', parts).replace('application/sdp', 'text/plain');
  peer.send(message);
  await peer.wait('200 to MESSAGE', isResponse(200, '1 MESSAGE'));
  // The same by another way, while the first is remembered: on a stream Timer J is 0.
  if (transport === 'udp') {
    peer.send(message.replace('z9hG4bK-text', 'z9hG4bK-second-way'));
    await peer.wait('482 to the second way', isResponse(482, '1 MESSAGE'));
  }
  // Nothing comes back without --echo-messages.
  await sleep(500);
  const came = peer.received.filter((one) => statusOf(one) === 0);
  check(came.length === 0, `came back unasked: ${came[0]?.split('\r\n')[0]}`);
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
  ...overBoth('requests that are served with 200', served),
  ...overBoth('keys in INFO and texts that come back', keysAndTexts),
];
