/** Calls that we place and that stand, with SIPp as the callee: each branch of a user agent client (RFC 3261 §8.1, §13.2), with the exit code. */
import { join } from 'node:path';
import { startCaller } from '../caller.ts';
import { check, type Lab, LOOPBACK } from '../lab.ts';
import { CHALLENGE, established, placed, RAW, reasonOf, SHORT, statesOf, withPassword } from '../placed.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { answers, asks, ended, gets, hears, replies, startUas, waits } from '../uas.ts';

/** The INVITE goes to the proxy, for an address that it alone can find. */
async function throughProxy(lab: Lab, transport: 'udp' | 'tcp'): Promise<void> {
  const uas = await startUas(lab, transport, [
    gets('INVITE', { has: ['^INVITE sip:callee@lab.invalid'] }),
    answers('200 OK', { sdp: true }),
    gets('ACK'),
    ...ended,
  ]);
  const proxy = `sip:${LOOPBACK}:${uas.port};transport=${transport}`;
  const caller = startCaller(lab, transport, 'lab.invalid', [...SHORT, '--proxy', proxy]);
  await caller.ends(0);
  await uas.passed();
}

/** --sdp-file goes out as it stands; the audio is somebody else's. */
async function fromFile(lab: Lab, transport: 'udp' | 'tcp'): Promise<void> {
  const file = join(lab.dir, 'offer.sdp');
  const session = ['v=0', 'o=file 7 7 IN IP4 127.0.0.1', 's=from a file', 'c=IN IP4 127.0.0.1', 't=0 0'];
  await Bun.write(file, [...session, 'm=audio 9 RTP/AVP 0', 'a=x-lab:kept', ''].join('\r\n'));
  const has = ['s=from a file', 'a=x-lab:kept'];
  const uas = await startUas(lab, transport, [
    gets('INVITE', { has }),
    answers('200 OK', { sdp: true }),
    gets('ACK'),
    ...ended,
  ]);
  const caller = startCaller(lab, transport, uas.port, [...SHORT, '--sdp-file', file]);
  await caller.ends(0);
  await uas.passed();
}

export const placingScenarios: readonly Scenario[] = [
  ...placed('called: answered, and hung up by us', { steps: [...established, ...ended] }),
  ...placed('called: answered, and hung up by the callee', {
    steps: [...established, waits(300), asks('BYE', 1), hears(200)],
    args: [],
    look: (caller) => check(/BYE/.test(reasonOf(caller)), `the reason is "${reasonOf(caller)}"`),
  }),
  ...placed('called: early media', {
    steps: [
      gets('INVITE'),
      answers('183 Session Progress', { sdp: true }),
      waits(300),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
  }),
  ...placed('called: forked, the first 200 wins, the second is released', {
    steps: [
      gets('INVITE'),
      answers('180 Ringing', { tag: 'one' }),
      answers('183 Session Progress', { tag: 'two' }),
      answers('200 OK', { tag: 'two', sdp: true }),
      gets('ACK', { has: ['tag=two'] }),
      answers('200 OK', { tag: 'three', sdp: true }),
      gets('ACK', { has: ['tag=three'] }),
      gets('BYE', { has: ['tag=three'] }),
      replies('200 OK'),
      gets('BYE', { has: ['tag=two'] }),
      replies('200 OK'),
    ],
    look: (caller) =>
      check(statesOf(caller).split('established').length === 2, `states: ${statesOf(caller)}`),
  }),
  ...placed('called: redirected (302), followed', {
    steps: [
      gets('INVITE'),
      answers('302 Moved Temporarily', {
        raw: [...RAW, 'Contact: <sip:elsewhere@[local_ip]:[local_port];transport=[transport]>'],
      }),
      gets('ACK', { has: ['tag=moved'] }),
      gets('INVITE', { has: ['INVITE sip:elsewhere@'] }),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
  }),
  ...placed('called: 401 and 407 both', {
    steps: [
      gets('INVITE', { lacks: ['Authorization:'] }),
      answers('401 Unauthorized', { headers: [`WWW-Authenticate: ${CHALLENGE}`] }),
      gets('ACK'),
      gets('INVITE', { has: ['[^-]Authorization: *Digest .*response='] }),
      answers('407 Proxy Authentication Required', {
        headers: [`Proxy-Authenticate: ${CHALLENGE.replace('abc', 'def')}`],
      }),
      gets('ACK'),
      gets('INVITE', {
        has: ['[^-]Authorization: *Digest .*nonce=.abc', 'Proxy-Authorization: *Digest .*nonce=.def'],
      }),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
    args: withPassword,
  }),
  ...placed('called: PRACK', {
    steps: [
      gets('INVITE', { has: ['Supported:.*100rel'] }),
      answers('180 Ringing', { headers: ['Require: 100rel', 'RSeq: 701'] }),
      gets('PRACK', { has: ['RAck: *701 1 INVITE'] }),
      replies('200 OK'),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
  }),
  ...placed('called: 422, asked again with the interval that it names', {
    steps: [
      gets('INVITE'),
      answers('422 Session Interval Too Small', { headers: ['Min-SE: 3600'] }),
      gets('ACK'),
      gets('INVITE', { has: ['Session-Expires: *(3600|[4-9][0-9]{3}|[0-9]{5,})', 'Min-SE: *3600'] }),
      answers('200 OK', { sdp: true, headers: ['Session-Expires: 3600;refresher=uac', 'Require: timer'] }),
      gets('ACK'),
      ...ended,
    ],
  }),
  ...placed('called: session timer, we refresh', {
    steps: [
      gets('INVITE', { has: ['Supported:.*timer'] }),
      answers('200 OK', {
        sdp: true,
        headers: [
          'Session-Expires: 90;refresher=uac',
          'Require: timer',
          'Allow: INVITE, ACK, BYE, CANCEL, UPDATE',
        ],
      }),
      gets('ACK'),
      gets('UPDATE', { has: ['Session-Expires: *90'], limitMs: 55_000 }),
      replies('200 OK', { headers: ['Session-Expires: 90;refresher=uac', 'Require: timer'] }),
      ...ended,
    ],
    args: ['--duration', '47'],
    limitS: 65,
  }),
  ...placed('called: re-INVITE and UPDATE by the callee', {
    steps: [
      ...established,
      asks('INVITE', 1, { sdp: true }),
      hears(100, { optional: true }),
      hears(200, { has: ['m=audio [1-9]'] }),
      asks('ACK', 1),
      waits(100),
      asks('UPDATE', 2),
      hears(200),
      ...ended,
    ],
    args: ['--duration', '1'],
  }),
  ...placed('called: Record-Route, loose', {
    steps: [
      gets('INVITE'),
      answers('200 OK', {
        sdp: true,
        headers: [
          'Record-Route: <sip:two@[local_ip]:[local_port];transport=[transport];lr>',
          'Record-Route: <sip:one@[local_ip]:[local_port];transport=[transport];lr>',
        ],
      }),
      gets('ACK', { has: ['^ACK sip:callee@', 'Route: *<sip:one@.*(,|Route:) *<sip:two@'] }),
      gets('BYE', { has: ['^BYE sip:callee@', 'Route: *<sip:one@.*(,|Route:) *<sip:two@'] }),
      replies('200 OK'),
    ],
  }),
  ...placed('called: Record-Route, strict', {
    steps: [
      gets('INVITE'),
      answers('200 OK', {
        sdp: true,
        headers: ['Record-Route: <sip:strict@[local_ip]:[local_port];transport=[transport]>'],
      }),
      gets('ACK', { has: ['^ACK sip:strict@', 'Route: *<sip:callee@'] }),
      gets('BYE', { has: ['^BYE sip:strict@', 'Route: *<sip:callee@'] }),
      replies('200 OK'),
    ],
  }),
  ...placed('called: the offer left to the callee', {
    steps: [
      gets('INVITE', { lacks: ['m=audio'] }),
      answers('200 OK', { sdp: true }),
      gets('ACK', { has: ['m=audio [1-9][0-9]* RTP/AVP 0'] }),
      ...ended,
    ],
    args: [...SHORT, '--invite-without-sdp'],
  }),
  ...placed('called: a header field of our own', {
    steps: [gets('INVITE', { has: ['X-Foo: bar'] }), answers('200 OK', { sdp: true }), gets('ACK'), ...ended],
    args: [...SHORT, '--header', 'X-Foo: bar'],
  }),
  ...overBoth('called: through an outbound proxy', throughProxy, { needs: ['sipp'] }),
  ...overBoth('called: a session description from a file', fromFile, { needs: ['sipp'] }),
];
