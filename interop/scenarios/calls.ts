/** SIPp calls the echo: SIPp's own scenarios and ours (sipp/*.xml), each over UDP and TCP. */
import { check, type Lab, LOOPBACK, output, until } from '../lab.ts';
import { type Ringback, startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { runSipp, type SippOptions, sippMessages, sippPassed, startSipp } from '../sipp.ts';

const needs = ['sipp'];
type Transport = 'udp' | 'tcp';

const at = (ringback: Ringback) => `${LOOPBACK}:${ringback.port}`;

/** How often the 2xx to an INVITE was sent. */
function sentOk(ringback: Ringback): number {
  return ringback
    .all('sip.sent')
    .filter(({ startLine, cseq }) => startLine.startsWith('SIP/2.0 200') && cseq === '1 INVITE').length;
}

/** Starts the echo, runs one SIPp scenario, looks at the events, stops the echo. */
export function simple(
  name: string,
  scenario: string,
  options: {
    readonly args?: readonly string[];
    readonly sipp?: Partial<SippOptions>;
    readonly bare?: boolean;
    readonly look?: (ringback: Ringback, lab: Lab, messages: string) => void | Promise<void>;
    readonly limitS?: number;
  } = {},
): Scenario[] {
  const run = async (lab: Lab, transport: Transport) => {
    const ringback = await startRingback(lab, options.args, { bare: options.bare ?? false });
    const peer = await runSipp(lab, scenario, { target: at(ringback), transport, ...options.sipp });
    await options.look?.(ringback, lab, await sippMessages(lab, peer));
    await ringback.stop();
  };
  const limits = options.limitS === undefined ? {} : { limitS: options.limitS };
  return overBoth(name, run, { needs, ...limits });
}

/** The calls that ended, with their reasons. */
export async function endedCalls(ringback: Ringback, count: number): Promise<void> {
  const ended = () => ringback.all('call.changed').filter(({ to }) => to === 'terminated').length;
  await until(`${count} calls to end in the events`, () => ended() >= count);
  check(ended() === count, `${ended()} calls ended, not ${count}`);
  check(
    ringback.all('media.started').length >= count,
    `media.started only ${ringback.all('media.started').length} times`,
  );
  await until('media.stopped for every call', () => ringback.all('media.stopped').length === count);
}

/** The o= versions of the answers, one a 200 to INVITE, from SIPp's log. */
function answers(messages: string): { port: string; session: string; version: number }[] {
  return messages
    .split(/^-{20,}.*$/m)
    .filter((part) => /message received/.test(part) && /SIP\/2\.0 200/.test(part) && /^m=audio/m.test(part))
    .map((part) => ({
      port: /^m=audio (\d+)/m.exec(part)?.[1] ?? '',
      session: /^o=\S+ (\S+)/m.exec(part)?.[1] ?? '',
      version: Number(/^o=\S+ \S+ (\d+)/m.exec(part)?.[1]),
    }));
}

/** Twice the same CSeq on UDP is a retransmission; what counts is a session that changes step by step. */
function checkAnswers(messages: string, steps: readonly number[]): void {
  const found = answers(messages);
  check(found.length === steps.length, `${found.length} answers, not ${steps.length}`);
  const [first] = found;
  for (const [index, answer] of found.entries()) {
    check(answer.session === first?.session, `answer ${index}: session id changed (RFC 3264 §8)`);
    check(
      answer.port === first?.port,
      `answer ${index}: our port changed from ${first?.port} to ${answer.port}`,
    );
    const due = (first?.version ?? 0) + (steps[index] ?? 0);
    check(
      answer.version === due,
      `answer ${index}: version ${answer.version}, ${due} is due (RFC 3264 §8: up by one only when it changes)`,
    );
  }
}

async function neverAck(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab);
  await runSipp(lab, 'never-ack', { target: at(ringback), transport, limitS: 45 });
  // SIPp may have ended before what the echo said of its BYE was read.
  const bye = await ringback.wait('sip.sent', ({ startLine }) => startLine.startsWith('BYE '));
  check(sentOk(ringback) >= 10, `the 2xx was sent ${sentOk(ringback)} times only in 64*T1 (§13.3.1.4)`);
  const first = ringback.all('sip.sent').find(({ startLine }) => startLine.startsWith('SIP/2.0 200'));
  const afterMs = bye.atMs - (first?.atMs ?? 0);
  check(Math.abs(afterMs - 32_000) < 1_500, `BYE came ${afterMs} ms after the 2xx; 64*T1 are 32000`);
  const ended = await ringback.wait('call.changed', ({ to }) => to === 'terminated');
  check((ended.reason ?? '') !== '', 'call.changed to terminated says no reason');
  await ringback.stop();
}

async function tooManyCalls(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab, ['--max-calls', '1']);
  const first = await startSipp(lab, 'call', { target: at(ringback), transport, args: ['-d', '3000'] });
  await ringback.wait('call.changed', ({ to }) => to === 'established');
  await runSipp(lab, 'too-many', { target: at(ringback), transport });
  await sippPassed(lab, first);
  // Room again.
  await runSipp(lab, 'call', { target: at(ringback), transport, args: ['-d', '100'] });
  await ringback.stop();
}

async function echoHangsUp(lab: Lab, transport: Transport, scenario: string): Promise<void> {
  const ringback = await startRingback(lab);
  const peer = await startSipp(lab, scenario, { target: at(ringback), transport });
  const { call } = await ringback.wait('call.changed', ({ to }) => to === 'established');
  ringback.say(`hangup ${call}`);
  await sippPassed(lab, peer);
  await endedCalls(ringback, 1);
  await ringback.stop();
}

async function mediaTimeout(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab, ['--media-timeout', '1']);
  const peer = await runSipp(lab, 'hangup-by-echo', { target: at(ringback), transport });
  const ended = await ringback.wait('call.changed', ({ to }) => to === 'terminated');
  check(/media|silen|packet|audio/i.test(ended.reason ?? ''), `the reason is "${ended.reason}"`);
  check((await sippMessages(lab, peer)).includes('BYE '), 'no BYE in the log of SIPp');
  await ringback.stop();
}

async function ipv6(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab, ['--bind', '::1']);
  const peer = await runSipp(lab, 'call', {
    target: `[::1]:${ringback.port}`,
    transport,
    local: '::1',
    args: ['-d', '300'],
  });
  const messages = await sippMessages(lab, peer);
  check(
    /^c=IN IP6 ::1\s*$/m.test(messages.slice(messages.indexOf('200 OK'))),
    'no c=IN IP6 ::1 in the answer',
  );
  const media = await ringback.wait('media.started');
  check(media.localAddress === '::1', `media.started says ${media.localAddress}`);
  await endedCalls(ringback, 1);
  await ringback.stop();
}

/** With no flag at all: any SIP port, all interfaces, both families, RTP ports from 10000 on; called over IPv4 and over IPv6. */
async function everyInterface(lab: Lab, transport: Transport): Promise<void> {
  const ringback = await startRingback(lab, [], { bare: true });
  for (const local of [LOOPBACK, '::1']) {
    const host = local === LOOPBACK ? LOOPBACK : '[::1]';
    const target = `${host}:${ringback.port}`;
    const peer = await runSipp(lab, 'call', { target, transport, local, args: ['-d', '200'] });
    const messages = await sippMessages(lab, peer);
    const family = local === LOOPBACK ? 'IP4 127.0.0.1' : 'IP6 ::1';
    const answer = messages.slice(messages.indexOf('200 OK'));
    check(answer.includes(`c=IN ${family}`), `no c=IN ${family} in the answer to ${local}`);
  }
  await endedCalls(ringback, 2);
  await ringback.stop();
}

async function sipsak(lab: Lab): Promise<void> {
  const ringback = await startRingback(lab);
  const said = await output(['sipsak', '-vv', '-s', `sip:echo@${at(ringback)}`]);
  check(/SIP\/2\.0 200/.test(said), `sipsak says ${said}`);
  await ringback.stop();
}

/** The 2xx comes again until its ACK does, on a stream as well: it is the user agent's, not the transaction's (§13.3.1.4). */
async function sentAgain(lab: Lab, transport: Transport, scenario: 'lost-ack' | 'lost-200'): Promise<void> {
  const ringback = await startRingback(lab);
  await runSipp(lab, scenario, { target: at(ringback), transport, calls: 20, limitS: 35 });
  await endedCalls(ringback, 20);
  check(sentOk(ringback) > 20, `${sentOk(ringback)} 2xx for 20 calls with losses: none was sent again`);
  await ringback.stop();
}

export const callScenarios: readonly Scenario[] = [
  ...simple("20 calls of SIPp's own uac", 'builtin:uac', {
    sipp: { calls: 20, args: ['-d', '200'] },
    look: (ringback) => endedCalls(ringback, 20),
  }),
  ...simple('600 calls, 150 a second', 'builtin:uac', {
    args: ['--max-calls', '400'],
    sipp: { calls: 600, rate: 150, args: ['-d', '500'] },
    look: (ringback) => endedCalls(ringback, 600),
  }),
  ...simple('an ordinary call', 'call', {
    sipp: { args: ['-d', '500'] },
    look: (ringback) => endedCalls(ringback, 1),
  }),
  ...overBoth('bound to every interface, IPv4 and IPv6', everyInterface, { needs }),
  ...overBoth('IPv6', ipv6, { needs }),
  ...simple('the answer mirrors the offer', 'codecs'),
  ...simple('other media lines are refused in their place', 'other-media'),
  ...simple('re-INVITE: port, address, codec', 'reinvite', {
    // The answer itself is the same until the codec changes.
    look: (_ringback, _lab, messages) => checkAnswers(messages, [0, 0, 0, 1]),
  }),
  ...simple('hold and resume', 'hold', {
    args: ['--media-timeout', '2'],
    look: async (ringback) => {
      await endedCalls(ringback, 1);
      const states = ringback.all('call.changed').map(({ to }) => to);
      check(
        states.filter((to) => to === 'held').length === 3,
        `states: ${states.join(' ')}; held 3 times is due`,
      );
    },
  }),
  ...simple('CANCEL before 180', 'cancel-before-180', {
    args: ['--ring-delay', '2'],
    look: async (ringback) => {
      const ended = await ringback.wait('call.changed', ({ to }) => to === 'terminated');
      check(/cancel/i.test(ended.reason ?? ''), `the reason is "${ended.reason}"`);
      check(
        !ringback.all('sip.sent').some(({ startLine }) => /^SIP\/2\.0 (180|200 .*INVITE)/.test(startLine)),
        '180 was sent after CANCEL',
      );
    },
  }),
  ...simple('CANCEL after 180', 'cancel-after-180', {
    args: ['--answer-delay', '3'],
    look: async (ringback) => {
      const ended = await ringback.wait('call.changed', ({ to }) => to === 'terminated');
      check(/cancel/i.test(ended.reason ?? ''), `the reason is "${ended.reason}"`);
    },
  }),
  ...simple('CANCEL after 200', 'cancel-after-200', { look: (ringback) => endedCalls(ringback, 1) }),
  ...simple('CANCEL for nothing known', 'cancel-unknown'),
  ...simple('OPTIONS', 'options'),
  ...simple('an unknown method', 'unknown-method'),
  ...simple('no codec in common', 'no-common-codec'),
  ...simple('NOTIFY of message waiting', 'notify-mwi', {
    look: async (ringback) => {
      const mwi = await ringback.wait('message.waiting');
      check(
        mwi.waiting && mwi.newMessages === 2 && mwi.oldMessages === 8,
        `the event says ${JSON.stringify(mwi)}`,
      );
      check(mwi.newUrgent === 1 && mwi.oldUrgent === 3, `the event says ${JSON.stringify(mwi)}`);
    },
  }),
  ...simple('BYE for a dialog that is not known', 'bye-unknown'),
  ...simple('re-INVITE for a dialog that is not known', 'reinvite-unknown'),
  ...simple('compact header names', 'compact'),
  ...overBoth('too many calls', tooManyCalls, { needs }),
  ...overBoth('the echo hangs up', (lab, transport) => echoHangsUp(lab, transport, 'hangup-by-echo'), {
    needs,
  }),
  ...overBoth(
    'headers in many lines; the route set in BYE',
    (lab, transport) => echoHangsUp(lab, transport, 'route-set'),
    { needs },
  ),
  ...overBoth('no media: the call is ended', mediaTimeout, { needs }),
  ...overBoth('never an ACK', neverAck, { needs, limitS: 60 }),
  ...overBoth('lost ACKs', (lab, transport) => sentAgain(lab, transport, 'lost-ack'), { needs }),
  ...overBoth('lost 200s', (lab, transport) => sentAgain(lab, transport, 'lost-200'), { needs, limitS: 45 }),
  {
    name: 'one message of ten is lost, udp',
    needs,
    limitS: 60,
    run: async (lab) => {
      const ringback = await startRingback(lab);
      const options = { target: at(ringback), calls: 50, limitS: 50, args: ['-lost', '10', '-d', '200'] };
      await runSipp(lab, 'call', options);
      await endedCalls(ringback, 50);
      await ringback.stop();
    },
  },
  { name: 'sipsak asks for OPTIONS, udp', needs: ['sipsak'], run: sipsak },
];
