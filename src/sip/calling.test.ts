/** Calls that we place, as a phone or a proxy on the wire sees them (RFC 3261 §13.2, §9.1, §8.1.3). */
import { expect, test } from 'bun:test';
import { callingTests } from '../io/scene-tests.ts';
import { offerText } from '../io/virtual-caller.ts';
import { ANSWER, CALLER_ADDRESS, withAccount } from '../io/virtual-calling.ts';
import { answersBye } from '../io/virtual-peer.ts';
import { value } from './message.ts';

const open = callingTests();

test('180 rings, 200 is acknowledged in the dialog and establishes the call, BYE ends it (§13.2.2.4)', () => {
  const { network, ours, phone, call, invite, states, last } = open();
  phone.answering = answersBye;
  call();
  network.run(50);
  phone.respond(invite(), 180, { toTag: 'bob' });
  network.run(50);
  phone.respond(invite(), 200, ANSWER);
  network.run(50);
  expect(states()).toEqual(['calling', 'ringing', 'established']);
  const [ack] = phone.requests('ACK');
  expect(ack?.message.uri).toBe('sip:bob@192.0.2.20');
  expect(ack && value(ack.message, 'To')).toBe('<sip:bob@192.0.2.20>;tag=bob');
  expect(ack && value(ack.message, 'CSeq')).toBe('1 ACK');
  expect(ack && value(ack.message, 'Via')).not.toBe(value(invite().message, 'Via') as string);
  ours.act({ type: 'hangup-all' });
  network.run(50);
  const [bye] = phone.requests('BYE');
  expect(bye && value(bye.message, 'CSeq')).toBe('2 BYE');
  expect(last()).toMatchObject({ to: 'terminated', reason: 'hung up' });
});

test('the peer says BYE (§15.1.2)', () => {
  const { network, phone, call, invite, last } = open();
  call();
  network.run(50);
  phone.respond(invite(), 200, ANSWER);
  network.run(50);
  const { message } = invite();
  phone.request(CALLER_ADDRESS, 'BYE', 'sip:anonymous@192.0.2.30', [
    ['Via', 'SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKbye'],
    ['From', '<sip:bob@192.0.2.20>;tag=bob'],
    ['To', value(message, 'From') ?? ''],
    ['Call-ID', value(message, 'Call-ID') ?? ''],
    ['CSeq', '900 BYE'],
  ]);
  network.run(50);
  expect(phone.responses('BYE').map((one) => one.message.status)).toEqual([200]);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'BYE received' });
});

test('a 200 that comes again is acknowledged again, with the same ACK (§13.2.2.4)', () => {
  const { network, phone, call, invite, states } = open();
  call();
  network.run(50);
  for (let time = 0; time < 3; time++) {
    phone.respond(invite(), 200, ANSWER);
    network.run(500);
  }
  const acks = phone.requests('ACK').map(({ message }) => value(message, 'Via'));
  expect(acks).toHaveLength(3);
  expect(new Set(acks).size).toBe(1);
  expect(states()).toEqual(['calling', 'established']);
});

test('a 200 of another fork is acknowledged and ended, and the call stands (§13.2.2.4)', () => {
  const { network, ours, phone, call, invite, states } = open();
  phone.answering = answersBye;
  call();
  network.run(50);
  phone.respond(invite(), 200, ANSWER);
  network.run(50);
  const second = { ...ANSWER, toTag: 'carol' };
  phone.respond(invite(), 200, second);
  network.run(50);
  phone.respond(invite(), 200, second);
  network.run(50);
  const tagged = (method: string) =>
    phone.requests(method).map(({ message }) => /tag=(.*)/.exec(value(message, 'To') ?? '')?.[1]);
  expect(tagged('ACK')).toEqual(['bob', 'carol', 'carol']);
  expect(tagged('BYE')).toEqual(['carol']);
  expect(states()).toEqual(['calling', 'established']);
  ours.act({ type: 'hangup-all' });
  network.run(50);
  expect(tagged('BYE')).toEqual(['carol', 'bob']);
});

for (const status of [404, 486, 500, 603]) {
  test(`${status} ends the call with its status, and gets the ACK of the transaction (§17.1.1.3)`, () => {
    const { network, phone, call, invite, last } = open();
    call();
    network.run(50);
    phone.respond(invite(), status, { toTag: 'bob' });
    network.run(50);
    expect(last()).toMatchObject({ to: 'terminated', status });
    const [ack] = phone.requests('ACK');
    expect(ack && value(ack.message, 'Via')).toBe(value(invite().message, 'Via') as string);
    expect(ack && value(ack.message, 'To')).toContain('tag=bob');
  });
}

for (const [status, challenge, credentials] of [
  [401, 'WWW-Authenticate', 'Authorization'],
  [407, 'Proxy-Authenticate', 'Proxy-Authorization'],
] as const) {
  test(`${status} is answered with ${credentials}, and the ACK to the 200 carries it as well (§22.1)`, () => {
    const { network, ours, phone, call, invite, states } = open(withAccount());
    call('sip:bob@lab.local');
    network.run(50);
    const headers = [[challenge, 'Digest realm="lab.local", nonce="n1", qop="auth"']] as const;
    phone.respond(invite(), status, { toTag: 'p', headers });
    network.run(50);
    const again = invite(1);
    expect(value(again.message, credentials)).toContain('uri="sip:bob@lab.local"');
    expect(value(again.message, 'CSeq')).toBe('2 INVITE');
    phone.respond(again, 200, ANSWER);
    network.run(50);
    expect(states()).toEqual(['calling', 'established']);
    const ack = phone.requests('ACK').at(-1);
    expect(ack && value(ack.message, credentials)).toBe(value(again.message, credentials) as string);
    phone.answering = answersBye;
    ours.act({ type: 'hangup-all' });
    network.run(50);
  });
}

test('a password that is refused ends the call, after one try (§22.2)', () => {
  const { network, phone, call, last } = open(withAccount());
  phone.answering = ({ method }) => {
    const headers = [['WWW-Authenticate', 'Digest realm="lab.local", nonce="n1"']] as const;
    return method === 'INVITE' ? { status: 401, toTag: 'p', headers } : undefined;
  };
  call();
  network.run(100_000);
  expect(phone.requests('INVITE')).toHaveLength(2);
  expect(last()).toMatchObject({ to: 'terminated', status: 401 });
});

test('a challenge without an account ends the call', () => {
  const { network, phone, call, last } = open();
  phone.answering = ({ method }) => (method === 'INVITE' ? { status: 401, toTag: 'p' } : undefined);
  call();
  network.run(1_000);
  expect(phone.requests('INVITE')).toHaveLength(1);
  expect(last()).toMatchObject({ to: 'terminated', status: 401 });
});

test('nobody on the port ends it at once (§8.1.3.1)', () => {
  const { network, call, last } = open();
  call('sip:bob@192.0.2.99');
  network.run(100);
  expect(last()).toMatchObject({ to: 'terminated', outcome: 'unreachable', reason: 'port unreachable' });
});

test('so does a refused TCP connection (§8.1.3.1)', () => {
  const { network, call, last } = open();
  call('sip:bob@192.0.2.99;transport=tcp');
  network.run(100);
  expect(last()).toMatchObject({ to: 'terminated', outcome: 'unreachable', reason: 'connection refused' });
});

test('a whole call over TCP, on one connection (§18.1.1)', () => {
  const { network, ours, phone, call, invite, states } = open();
  phone.answering = answersBye;
  call('sip:bob@192.0.2.20;transport=tcp');
  network.run(100);
  phone.respond(invite(), 200, {
    ...ANSWER,
    headers: [['Contact', '<sip:bob@192.0.2.20;transport=tcp>'], ...(ANSWER.headers ?? []).slice(1)],
  });
  network.run(100);
  ours.act({ type: 'hangup-all' });
  network.run(100);
  expect(states()).toEqual(['calling', 'established', 'terminated']);
  expect(new Set(phone.heard.map(({ flow }) => flow.connection)).size).toBe(1);
  expect(invite().flow.transport).toBe('tcp');
});

test('a name is looked up, and one that is nowhere ends the call (§8.1.2)', () => {
  const { network, phone, call, invite, last } = open();
  network.names.set('phone.example', ['192.0.2.20']);
  call('bob@phone.example');
  network.run(100);
  expect(invite().message.uri).toBe('sip:bob@phone.example');
  phone.respond(invite(), 486, { toTag: 'bob' });
  call('bob@nowhere.example');
  network.run(100);
  expect(last()?.reason).toContain('nowhere.example has no address');
});

test('user@host:port is an address, and what is none ends the call with a reason', () => {
  const { network, phone, call, invite, last } = open();
  call('bob@192.0.2.20:5060');
  network.run(50);
  expect(invite().message.uri).toBe('sip:bob@192.0.2.20:5060');
  phone.respond(invite(), 486, { toTag: 'bob' });
  network.run(50);
  call('sip:');
  expect(last()).toMatchObject({ to: 'terminated', reason: 'sip: is no SIP URI' });
  call('tel:+4930123');
  expect(last()).toMatchObject({ to: 'terminated', reason: 'tel:+4930123 is no SIP URI' });
});

test('an account that is not there places no call, least of all an anonymous one', () => {
  const { network, phone, call, last } = open();
  call('sip:bob@192.0.2.20', { from: '999' });
  network.run(100);
  expect(phone.requests('INVITE')).toEqual([]);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'there is no account 999' });
});

test('an answer that answers another offer is acknowledged and ended (§13.2.2.4)', () => {
  const { network, phone, call, invite, last } = open();
  phone.answering = answersBye;
  call();
  network.run(50);
  phone.respond(invite(), 200, { ...ANSWER, body: offerText({ codecs: { 9: 'G722/8000' } }) });
  network.run(100);
  expect(phone.requests('ACK')).toHaveLength(1);
  expect(phone.requests('BYE')).toHaveLength(1);
  expect(last()?.reason).toContain('the answer cannot be used');
});

test('Record-Route of the 200 is taken in reverse (§12.1.2)', () => {
  const { network, phone, call, invite } = open();
  call();
  network.run(50);
  const headers = [
    ...(ANSWER.headers ?? []),
    ['Record-Route', '<sip:192.0.2.50;lr>'],
    ['Record-Route', '<sip:192.0.2.20;lr>'],
  ] as const;
  phone.respond(invite(), 200, { ...ANSWER, headers });
  network.run(50);
  const [ack] = phone.requests('ACK');
  const routes = ack?.message.headers.filter(({ name }) => name === 'Route').map((header) => header.value);
  expect(routes).toEqual(['<sip:192.0.2.20;lr>', '<sip:192.0.2.50;lr>']);
});

test('a re-INVITE to a call of ours gets 488 and ends nothing (§14.2)', () => {
  const { network, phone, call, invite, last } = open();
  phone.answering = answersBye;
  call();
  network.run(50);
  phone.respond(invite(), 200, ANSWER);
  network.run(50);
  const { message } = invite();
  const common = [
    ['Via', 'SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKre'],
    ['From', '<sip:bob@192.0.2.20>;tag=bob'],
    ['To', value(message, 'From') ?? ''],
    ['Call-ID', value(message, 'Call-ID') ?? ''],
    ['Contact', '<sip:bob@192.0.2.20>'],
  ] as const;
  const uri = 'sip:anonymous@192.0.2.30';
  const reinvite = [...common, ['CSeq', '900 INVITE'], ['Content-Type', 'application/sdp']] as const;
  phone.request(CALLER_ADDRESS, 'INVITE', uri, reinvite, offerText());
  network.run(50);
  expect(phone.responses('INVITE').map((one) => one.message.status)).toEqual([488]);
  phone.request(CALLER_ADDRESS, 'ACK', uri, [...common, ['CSeq', '900 ACK']]);
  expect(last()).toMatchObject({ to: 'established' });
});
