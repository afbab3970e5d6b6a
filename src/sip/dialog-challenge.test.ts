/** Challenges to calls that we place: 401 and 407 in one call, stale nonces, and requests in a dialog (RFC 3261 §22). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  ANSWER,
  type CallingScene,
  callingScene,
  PHONE_CONTACT,
  withAccount,
} from '../io/virtual-calling.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import { leftovers } from '../io/virtual-scene.ts';
import { type SipRequest, value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: CallingScene;

beforeEach(() => {
  scene = callingScene(withAccount());
  scene.call('sip:bob@lab.local');
});

afterEach(() => {
  scene.ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(scene.network, scene.ours)).toEqual([]);
});

const WWW = 'WWW-Authenticate';
const PROXY = 'Proxy-Authenticate';
const challenge = (name: string, nonce: string, more = '') => ({
  toTag: 'p',
  headers: [[name, `Digest realm="${name}", nonce="${nonce}", qop="auth"${more}`] as HeaderLine],
});
const named = (request: SipRequest, name: string) => /nonce="(\w+)"/.exec(value(request, name) ?? '')?.[1];
const requests = (method: string) => scene.phone.requests(method).map(({ message }) => message);
const numbers = (method: string) => requests(method).map((request) => value(request, 'CSeq'));

test('407 of the proxy, then 401 of the callee: the third try carries both (§22.3)', () => {
  scene.respond(407, challenge(PROXY, 'p1'));
  scene.respond(401, challenge(WWW, 'w1'), 1);
  const third = scene.invite(2).message;
  expect([named(third, 'Proxy-Authorization'), named(third, 'Authorization')]).toEqual(['p1', 'w1']);
  expect(numbers('INVITE')).toEqual(['1 INVITE', '2 INVITE', '3 INVITE']);
  scene.respond(200, ANSWER, 2);
  const ack = requests('ACK').at(-1);
  expect(ack && [named(ack, 'Proxy-Authorization'), named(ack, 'Authorization')]).toEqual(['p1', 'w1']);
  expect(ack && value(ack, 'CSeq')).toBe('3 ACK');
});

test('both in one response are answered in one try', () => {
  const both = [
    ...challenge(WWW, 'w1').headers,
    ['WWW-Authenticate', 'Digest realm="b", nonce="w2"'] as const,
  ];
  scene.respond(401, { toTag: 'p', headers: both });
  const fields = scene.invite(1).message.headers.filter(({ name }) => name === 'Authorization');
  expect(fields).toHaveLength(2);
  scene.respond(486, { toTag: 'bob' }, 1);
});

test('a stale nonce is answered with the new one, once (RFC 7616 §3.3)', () => {
  scene.respond(401, challenge(WWW, 'n1'));
  scene.respond(401, challenge(WWW, 'n2', ', stale=true'), 1);
  expect(named(scene.invite(2).message, 'Authorization')).toBe('n2');
  scene.respond(401, challenge(WWW, 'n3', ', stale=true'), 2);
  expect(requests('INVITE')).toHaveLength(3);
  expect(scene.last()).toMatchObject({ to: 'terminated', status: 401, outcome: 'authentication' });
});

for (const [status, name] of [
  [401, WWW],
  [407, PROXY],
] as const) {
  test(`${status} to credentials says that the password was refused`, () => {
    scene.respond(status, challenge(name, 'n1'));
    scene.respond(status, challenge(name, 'n2'), 1);
    const reason = `realm "${name}" refused the user name or the password`;
    expect(scene.last()).toMatchObject({ to: 'terminated', status, reason, outcome: 'authentication' });
  });
}

test('403 to credentials is an authentication that failed; without any it is a refusal', () => {
  scene.respond(403, { toTag: 'p' });
  expect(scene.last()).toMatchObject({ status: 403, outcome: 'refused' });
  scene.call('sip:bob@lab.local');
  scene.respond(401, challenge(WWW, 'n1'), 1);
  scene.respond(403, { toTag: 'p' }, 2);
  expect(scene.last()).toMatchObject({ status: 403, outcome: 'authentication' });
});

/** The phone challenges requests of that method, so many times. */
function challenges(method: string, times: number): void {
  let left = times;
  scene.phone.answering = (request) => {
    if (request.method !== method) return { status: 200 };
    left -= 1;
    return left < 0 ? { status: 200 } : { status: 407, ...challenge(PROXY, `b${left}`) };
  };
}

test('a BYE that is challenged goes out once more with credentials, and ends the call then (§22.3)', () => {
  scene.respond(200, ANSWER);
  challenges('BYE', 1);
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(100);
  const [first, second] = requests('BYE');
  expect(numbers('BYE')).toEqual(['2 BYE', '3 BYE']);
  expect(second && named(second, 'Proxy-Authorization')).toBe('b0');
  expect(second && value(second, 'Reason')).toBe(first && value(first, 'Reason'));
  expect(scene.last()).toMatchObject({ to: 'terminated', reason: 'hung up' });
});

test('a BYE whose credentials are refused ends the call all the same, after two', () => {
  scene.respond(200, ANSWER);
  challenges('BYE', 100);
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(500);
  expect(requests('BYE')).toHaveLength(2);
  expect(scene.last()).toMatchObject({ to: 'terminated', reason: 'hung up' });
});

test.each([true, false])(
  'so does the BYE to a second phone that answered, whether it rang or not: %p',
  (rang) => {
    if (rang) scene.respond(180, { toTag: 'anna', headers: [PHONE_CONTACT] });
    scene.respond(200, ANSWER);
    challenges('BYE', 1);
    scene.respond(200, { ...ANSWER, toTag: 'anna' });
    scene.network.run(100);
    expect(numbers('BYE')).toEqual(['2 BYE', '3 BYE']);
    expect(requests('BYE').map((request) => value(request, 'To'))).toEqual(
      Array(2).fill('<sip:bob@lab.local>;tag=anna'),
    );
    expect(scene.last()).toMatchObject({ to: 'established' });
  },
);

test('a request that a BYE of ours overtook is not sent again when it is challenged (§15)', () => {
  scene.phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  const reliable = [PHONE_CONTACT, ['Require', '100rel'], ['RSeq', '9']] as const;
  scene.respond(180, { toTag: 'bob', headers: reliable });
  scene.respond(200, ANSWER);
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(50);
  const [prack] = scene.phone.requests('PRACK');
  if (prack !== undefined) scene.phone.respond(prack, 407, challenge(PROXY, 'late'));
  scene.network.run(50);
  expect(numbers('BYE')).toEqual(['3 BYE']);
  expect(new Set(numbers('PRACK'))).toEqual(new Set(['2 PRACK']));
});

test('a PRACK that is challenged goes out once more, with the same RAck', () => {
  challenges('PRACK', 1);
  const reliable = [
    ['Contact', '<sip:bob@192.0.2.20>'],
    ['Require', '100rel'],
    ['RSeq', '9'],
  ] as const;
  scene.respond(180, { toTag: 'bob', headers: reliable });
  scene.network.run(50);
  expect(numbers('PRACK')).toEqual(['2 PRACK', '3 PRACK']);
  expect(requests('PRACK').map((prack) => value(prack, 'RAck'))).toEqual(['9 1 INVITE', '9 1 INVITE']);
  scene.respond(486, { toTag: 'bob' });
});

test('a peer that is not our server gets no credentials in a dialog either', () => {
  const peer = new VirtualPeer(scene.network, 'bob', { address: '192.0.2.21', port: 5060 });
  peer.answering = () => ({ status: 407, ...challenge(PROXY, 'p1') });
  scene.respond(407, challenge(PROXY, 'p1'));
  const headers = [['Contact', '<sip:bob@192.0.2.21>'], ...(ANSWER.headers ?? []).slice(1)] as const;
  scene.respond(200, { ...ANSWER, headers }, 1);
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(100);
  const [bye, ...more] = peer.requests('BYE');
  expect(bye && value(bye.message, 'Proxy-Authorization')).toBeUndefined();
  expect(more).toEqual([]);
  expect(scene.last()).toMatchObject({ to: 'terminated', reason: 'hung up' });
});
