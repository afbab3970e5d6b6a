/** Registrations, as a registrar on the wire sees them: begun, several at once, taken back (RFC 3261 §10.2). */
import { expect, test } from 'bun:test';
import { registrationTests } from '../io/scene-tests.ts';
import { VirtualCaller } from '../io/virtual-caller.ts';
import { asking, bound, parameterOf, tcpAccount } from '../io/virtual-registration.ts';
import { accountOf, ECHO_ADDRESS } from '../io/virtual-scene.ts';
import { value } from './message.ts';

const open = registrationTests();

test('a REGISTER is challenged, goes again with credentials, and the account is registered (§10.2, §22.2)', () => {
  const { network, ours, register, changes, states, registers } = open(asking);
  register();
  network.run(100);
  expect(states()).toEqual(['registering', 'registered']);
  expect(changes().at(-1)).toMatchObject({ account: 'sip:100@lab.local', status: 200, expiresS: 3_600 });
  const [first, second] = registers().map(({ message }) => message);
  expect(first?.uri).toBe('sip:lab.local');
  expect(first && value(first, 'Contact')).toBe('<sip:100@192.0.2.10:5060>');
  expect(registers().map(({ message }) => value(message, 'CSeq'))).toEqual(['1 REGISTER', '2 REGISTER']);
  for (const name of ['Call-ID', 'From', 'To']) {
    expect(second && value(second, name)).toBe((first && value(first, name)) as string);
  }
  expect(parameterOf(second, 'nc')).toBe('00000001');
  expect(network.eventsOf(ours, 'auth.challenged')).toMatchObject([{ realm: 'lab.local', status: 401 }]);
});

test('requests for us that come down the registration’s connection are served on it (RFC 5626 §5.3)', () => {
  const { network, registrar, register, registers } = open(bound, { accounts: [tcpAccount('100')] });
  register();
  network.run(200);
  const [{ flow } = { flow: undefined }] = registers();
  if (flow === undefined) throw new Error('no REGISTER');
  registrar.request(flow, 'OPTIONS', 'sip:100@192.0.2.10:5060;transport=tcp', [
    ['Via', 'SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKdown'],
    ['From', '<sip:ping@lab.local>;tag=p'],
    ['To', '<sip:100@lab.local>'],
    ['Call-ID', 'ping'],
    ['CSeq', '1 OPTIONS'],
  ]);
  network.run(200);
  expect(registrar.responses('OPTIONS').map(({ message }) => message.status)).toEqual([200]);
});

test('several accounts are registered side by side, with Call-IDs, tags and nonces of their own', () => {
  const { network, register, changes, registers } = open(asking, {
    accounts: [accountOf('100'), accountOf('101'), tcpAccount('102')],
  });
  register();
  network.run(500);
  for (const user of ['100', '101', '102']) {
    const own = changes().filter(({ account }) => account === `sip:${user}@lab.local`);
    expect(own.map(({ to }) => to)).toEqual(['registering', 'registered']);
  }
  const callIds = new Set(registers().map(({ message }) => value(message, 'Call-ID')));
  const tags = new Set(registers().map(({ message }) => value(message, 'From')));
  expect([callIds.size, tags.size]).toEqual([3, 3]);
});

test('of several accounts at one registrar, a call has the credentials of the one that was called (§22.1)', () => {
  const { network, ours, registrar, register } = open(asking, {
    echo: true,
    accounts: [accountOf('100'), accountOf('101')],
  });
  register();
  network.run(500);
  const caller = new VirtualCaller(registrar, ECHO_ADDRESS, 'sip:101@lab.local');
  caller.invite();
  network.run(500);
  caller.ack();
  ours.act({ type: 'hangup-all' });
  network.run(500);
  const bye = registrar.requests('BYE').at(-1)?.message;
  expect(parameterOf(bye, 'username')).toBe('101');
});

test('stopping unregisters: Expires 0, with credentials at the first go (§10.2.2)', () => {
  const { network, ours, register, states, registers } = open(asking);
  register();
  network.run(100);
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(100);
  expect(states()).toEqual(['registering', 'registered', 'unregistered']);
  const last = registers().at(-1)?.message;
  expect(last && value(last, 'Expires')).toBe('0');
  expect(parameterOf(last, 'nc')).toBe('00000002');
  expect(registers()).toHaveLength(3);
  expect(ours.stopped).toBe('the test is over');
});

test('stopping while a REGISTER is out waits for it and unregisters (§10.2.2)', () => {
  const { network, ours, register, states, registers } = open(asking);
  register();
  network.run(15);
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(200);
  expect(states().at(-1)).toBe('unregistered');
  expect(registers().map(({ message }) => value(message, 'Expires'))).toContain('0');
});

test('stopping does not wait longer than 5 s for a registrar that is away', () => {
  const { network, ours, registrar, register } = open(bound);
  register();
  network.run(100);
  registrar.node.away = true;
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(4_900);
  expect(ours.stopped).toBeUndefined();
  network.run(200);
  expect(ours.stopped).toBe('the test is over');
});

test('stopping while the 200 is on its way unregisters after it (§10.2.2)', () => {
  const { network, ours, register, states, registers } = open(bound);
  register();
  network.run(15);
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(100);
  expect(registers().map(({ message }) => value(message, 'Expires'))).toEqual(['3600', '0']);
  expect(states()).toEqual(['registering', 'registered', 'unregistered']);
});
