/** Calls that we place and that come to nothing, or meet nonsense on the way, with SIPp as the callee: each with its exit code. */
import { startCaller } from '../caller.ts';
import { check, type Lab } from '../lab.ts';
import { CHALLENGE, established, placed, RAW, rejectedAs, ringing, withPassword } from '../placed.ts';
import { openRawPeer } from '../raw-peer.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { answers, asks, ended, gets, hears, replies, startUas, waits } from '../uas.ts';

/** An answer with those media lines. */
const sdpWith = (media: string, address = '127.0.0.1') =>
  ['v=0', 'o=uas 1 1 IN IP4 127.0.0.1', 's=-', `c=IN IP4 ${address}`, 't=0 0', media].join('\n');

/** Ctrl-C takes the INVITE back (§9.1), and the exit code says that somebody did. */
async function interrupted(lab: Lab, transport: 'udp' | 'tcp'): Promise<void> {
  const steps = [
    ...ringing,
    gets('CANCEL'),
    replies('200 OK'),
    answers('487 Request Terminated'),
    gets('ACK'),
  ];
  const uas = await startUas(lab, transport, steps);
  const caller = startCaller(lab, transport, uas.port, []);
  await caller.wait('call.changed', ({ to }) => to === 'ringing');
  caller.kill('SIGINT');
  await caller.ends(130);
  await uas.passed();
}

/** A refused connection, or an ICMP error: known at once, and no answer of a peer. */
async function nobodyThere(lab: Lab, transport: 'udp' | 'tcp'): Promise<void> {
  const caller = startCaller(lab, transport, lab.port(), []);
  await caller.ends(6, transport === 'tcp' ? 10_000 : 40_000);
}

/** Nobody answers: the INVITE seven times in 64*T1 (§17.1.1.2, Timers A and B), and no CANCEL of what nobody heard (§9.1). */
async function silence(lab: Lab): Promise<void> {
  const peer = await openRawPeer(lab, 'udp', lab.port());
  const caller = startCaller(lab, 'udp', peer.port, []);
  await caller.ends(5, 45_000);
  const methods = peer.received.map((message) => message.split(' ', 1)[0]).join(' ');
  check(methods === Array(7).fill('INVITE').join(' '), `on the wire: ${methods}`);
}

/** Every answer but yes (§8.1.3): refused, busy, declined, gone, not here. */
const REFUSALS = [
  '403 Forbidden',
  '404 Not Found',
  '480 Temporarily Unavailable',
  '486 Busy Here',
  '500 Server Internal Error',
  '603 Decline',
];

const refusals = REFUSALS.flatMap((status) =>
  placed(`called: refused with ${status.slice(0, 3)}`, {
    steps: [...ringing, answers(status), gets('ACK', { has: ['CSeq: *1 ACK'] })],
    code: 4,
    look: (caller) => {
      const end = caller.all('call.changed').find(({ to }) => to === 'terminated');
      check(end?.status === Number(status.slice(0, 3)), `call.changed says ${end?.status}`);
    },
  }),
);

export const failingScenarios: readonly Scenario[] = [
  ...placed('called: a wrong password', {
    steps: [
      gets('INVITE'),
      answers('407 Proxy Authentication Required', { headers: [`Proxy-Authenticate: ${CHALLENGE}`] }),
      gets('ACK'),
      gets('INVITE', { has: ['Proxy-Authorization:'] }),
      answers('407 Proxy Authentication Required', { headers: [`Proxy-Authenticate: ${CHALLENGE}`] }),
      gets('ACK'),
    ],
    args: withPassword,
    code: 3,
  }),
  ...refusals,
  ...placed('called: nobody answers, CANCEL', {
    steps: [
      ...ringing,
      gets('CANCEL', { has: ['CSeq: *1 CANCEL'] }),
      replies('200 OK'),
      answers('487 Request Terminated'),
      gets('ACK'),
    ],
    args: ['--ring-timeout', '1'],
    code: 5,
  }),
  ...placed('called: a 200 that crosses the CANCEL is acknowledged and ended', {
    steps: [
      ...ringing,
      gets('CANCEL'),
      replies('200 OK'),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
    args: ['--ring-timeout', '1'],
    code: 5,
  }),
  ...placed('called: BYE with a wrong tag is of no call of ours', {
    steps: [...established, asks('BYE', 1, { tag: 'somebody' }), hears(481), ...ended],
    args: ['--duration', '1'],
  }),
  ...placed('called: a malformed response is dropped, and the next one counts', {
    steps: [
      gets('INVITE'),
      answers('180 Ringing', { raw: ['Via:[$Via]', 'From:[$From]', 'To:[$To];tag=x', 'CSeq: one INVITE'] }),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
    look: (caller) =>
      check(rejectedAs(caller, /malformed|missing/), 'no sip.rejected for the malformed response'),
  }),
  ...placed('called: an answer that shares no codec', {
    steps: [
      gets('INVITE'),
      answers('200 OK', {
        sdp: 'v=0\no=uas 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio [media_port] RTP/AVP 99\na=rtpmap:99 NOTHING/8000',
      }),
      gets('ACK'),
      ...ended,
    ],
    code: 7,
  }),
  ...placed('called: redirected in a circle, given up', {
    steps: [
      gets('INVITE'),
      answers('302 Moved Temporarily', {
        raw: [...RAW, 'Contact: <sip:callee@[local_ip]:[local_port];transport=[transport]>'],
      }),
      gets('ACK'),
    ],
    code: 4,
  }),
  ...placed('called: 503 with Retry-After, asked again once', {
    steps: [
      gets('INVITE'),
      answers('503 Service Unavailable', { headers: ['Retry-After: 1'] }),
      gets('ACK'),
      gets('INVITE'),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
  }),
  ...placed('called: a 200 for somebody else is dropped, ours counts', {
    steps: [
      gets('INVITE'),
      answers('200 OK', {
        sdp: true,
        raw: [
          'Via:[$Via]',
          'From: <sip:other@[local_ip]>;tag=other',
          'To:[$To];tag=x',
          'Call-ID: [call_id]',
          'CSeq:[$CSeq]',
          'Contact: <sip:x@[local_ip]:[local_port]>',
        ],
      }),
      waits(200),
      answers('200 OK', { sdp: true }),
      gets('ACK', { has: ['tag=callee'] }),
      ...ended,
    ],
    look: (caller) => check(rejectedAs(caller, /./), 'no sip.rejected for the 200 with another From tag'),
  }),
  ...placed('called: an answer with port 0', {
    steps: [
      gets('INVITE'),
      answers('200 OK', { sdp: sdpWith('m=audio 0 RTP/AVP 0') }),
      gets('ACK'),
      ...ended,
    ],
    code: 7,
  }),
  ...placed('called: an answer with other media lines than the offer', {
    steps: [
      gets('INVITE'),
      answers('200 OK', { sdp: sdpWith('m=audio [media_port] RTP/AVP 0\nm=video 9 RTP/AVP 31') }),
      gets('ACK'),
      ...ended,
    ],
    code: 7,
  }),
  ...placed('called: an answer with an address that nobody hears', {
    steps: [
      gets('INVITE'),
      answers('200 OK', { sdp: sdpWith('m=audio [media_port] RTP/AVP 0', '224.1.2.3') }),
      gets('ACK'),
      ...ended,
    ],
    look: (caller) => {
      const codes = caller.all('diagnosis.raised').map(({ code }) => code);
      check(codes.includes('media-address-group'), `diagnoses: ${codes.join(' ')}`);
    },
  }),
  ...overBoth('called: Ctrl-C while it rings', interrupted, { needs: ['sipp'] }),
  { name: 'called: nobody listens, tcp', run: (lab) => nobodyThere(lab, 'tcp') },
  { name: 'called: nobody listens, udp', run: (lab) => nobodyThere(lab, 'udp') },
  { name: 'called: silence, udp', limitS: 50, run: silence },
];
