/** The registrar of the lab, as phones on the wire see it (RFC 3261 §10.3, §22.4; RFC 3327). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { DigestClient } from '../auth/credentials.ts';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  endpointConfig,
  leftovers,
  PHONE_ADDRESS,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import { NO_BODY, type SipResponse, value, values } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let network: VirtualNetwork;
let registrar: VirtualEndpoint;
let phone: VirtualPeer;
let sent = 0;

beforeEach(() => {
  network = new VirtualNetwork();
  const users = ['100', '101'].map((user) => ({ user, password: 'secret' }));
  const config = endpointConfig(REGISTRAR_ADDRESS, { registrar: { domain: 'lab.local', users } });
  registrar = network.addEndpoint('registrar', REGISTRAR_ADDRESS, config);
  phone = new VirtualPeer(network, 'phone', PHONE_ADDRESS);
});

afterEach(() => {
  expect(leftovers(network, registrar)).toEqual([]);
});

interface Registering {
  readonly contacts?: readonly string[];
  readonly expires?: number;
  readonly user?: string;
  readonly password?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly addressOfRecord?: string;
  readonly headers?: readonly HeaderLine[];
  readonly uri?: string;
  readonly digestUri?: string;
}

/** One REGISTER with its digest, and its final response. */
function register({
  contacts = ['<sip:100@192.0.2.20>'],
  expires,
  user = '100',
  password = 'secret',
  callId = 'reg',
  cseq,
  addressOfRecord = `sip:${user}@lab.local`,
  headers = [],
  uri = 'sip:lab.local',
  digestUri = uri,
}: Registering = {}): SipResponse {
  const client = new DigestClient(user, password);
  let { attempt } = client.authorize({ method: 'REGISTER', uri: digestUri, body: NO_BODY });
  let response: SipResponse | undefined;
  for (let turn = 0; turn < 2; turn++) {
    sent += 1;
    const credentials = client.authorize({ method: 'REGISTER', uri: digestUri, body: NO_BODY }, attempt);
    phone.request(REGISTRAR_ADDRESS, 'REGISTER', uri, [
      ['Via', `SIP/2.0/UDP 192.0.2.20:5060;rport;branch=z9hG4bKr${sent}`],
      ['From', `<${addressOfRecord}>;tag=f`],
      ['To', `<${addressOfRecord}>`],
      ['Call-ID', callId],
      ['CSeq', `${(cseq ?? sent * 2) + turn} REGISTER`],
      ...contacts.map((contact): HeaderLine => ['Contact', contact]),
      ...headers,
      ...(expires === undefined ? [] : [['Expires', `${expires}`] as const]),
      ...credentials.fields.map(({ name, value: text }): HeaderLine => [name, text]),
    ]);
    network.run(50);
    response = phone.responses('REGISTER').at(-1)?.message;
    if (response?.status !== 401) break;
    const challenges = values(response, 'WWW-Authenticate');
    const verdict = client.challenged({ status: 401, challenges, cnonce: 'c' }, credentials.attempt);
    if (verdict.type === 'refused') break;
    attempt = verdict.attempt;
  }
  if (response === undefined) throw new Error('no response');
  return response;
}

const contactsOf = (response: SipResponse) => values(response, 'Contact');
const bindings = () => contactsOf(register({ contacts: [] }));

test('a REGISTER without credentials is challenged, each algorithm once, SHA-256 among them (§22.4, RFC 8760)', () => {
  register();
  const [first] = phone.responses('REGISTER');
  expect(first?.message.status).toBe(401);
  const challenges = values(first?.message as SipResponse, 'WWW-Authenticate');
  expect(challenges.join()).toContain('algorithm=SHA-256');
  expect(challenges.join()).toContain('algorithm=MD5');
  expect(value(first?.message as SipResponse, 'To')).toContain(';tag=');
});

test('a digest may be for the address of the server, as SIPp computes it, and for no other (RFC 7616 §3.4.6)', () => {
  expect(register({ digestUri: 'sip:192.0.2.1:5060' }).status).toBe(200);
  expect(register({ digestUri: 'sip:192.0.2.2:5060' }).status).toBe(401);
});

test('right credentials bind the Contact, and the 200 lists it with its expiry (§10.3 step 8)', () => {
  const response = register({ expires: 600 });
  expect(response.status).toBe(200);
  expect(contactsOf(response)).toEqual(['<sip:100@192.0.2.20>;expires=600']);
});

test('a wrong password, and a user that is not there, bind nothing', () => {
  expect(register({ password: 'wrong' }).status).toBe(401);
  expect(register({ user: '999' }).status).toBe(401);
  expect(bindings()).toEqual([]);
});

test('one user may not bind another user’s address (§10.3 step 4)', () => {
  expect(register({ addressOfRecord: 'sip:101@lab.local' }).status).toBe(403);
});

test('expires of the Contact goes before Expires, and none is an hour (§10.2.1.1)', () => {
  expect(contactsOf(register({ contacts: ['<sip:a@192.0.2.20>;expires=60'], expires: 600 }))).toEqual([
    '<sip:a@192.0.2.20>;expires=60',
  ]);
  expect(contactsOf(register({ contacts: ['<sip:b@192.0.2.20>'] })).at(-1)).toBe(
    '<sip:b@192.0.2.20>;expires=3600',
  );
});

test('never a second more than was asked for, whatever fractions the clock has (§10.3)', () => {
  // From a quarter of an hour on, the sum of time and duration loses the last bits of the fraction.
  network.run(900_000);
  for (let index = 0; index < 60; index++) {
    network.run(1_000.1 + index * 0.37);
    expect(contactsOf(register({ expires: 3600 }))).toEqual(['<sip:100@192.0.2.20>;expires=3600']);
  }
});

test('a binding ends when its time is over, and not before (§10.3)', () => {
  register({ expires: 60 });
  network.run(50_000);
  expect(bindings()).toHaveLength(1);
  network.run(10_000);
  expect(bindings()).toEqual([]);
});

test('a Contact with expires 0 is unbound, the others stay (§10.2.2)', () => {
  register({ contacts: ['<sip:a@192.0.2.20>', '<sip:b@192.0.2.20>'] });
  const response = register({ contacts: ['<sip:a@192.0.2.20>;expires=0'] });
  expect(contactsOf(response).map((contact) => contact.split(';')[0])).toEqual(['<sip:b@192.0.2.20>']);
});

test('* with Expires 0 unbinds all; with anything else it is a 400 (§10.2.2, §10.3 step 6)', () => {
  register({ contacts: ['<sip:a@192.0.2.20>', '<sip:b@192.0.2.20>'] });
  expect(register({ contacts: ['*'], expires: 60 }).status).toBe(400);
  expect(register({ contacts: ['*', '<sip:a@192.0.2.20>'], expires: 0 }).status).toBe(400);
  expect(bindings()).toHaveLength(2);
  const response = register({ contacts: ['*'], expires: 0 });
  expect([response.status, contactsOf(response)]).toEqual([200, []]);
});

test('the same Contact is refreshed and not bound twice, compared as a URI (§10.3 step 7, §19.1.4)', () => {
  register({ contacts: ['<sip:100@192.0.2.20;transport=udp>'], expires: 60 });
  const response = register({ contacts: ['<sip:100@192.0.2.20;Transport=UDP>'], expires: 600 });
  expect(contactsOf(response)).toHaveLength(1);
  expect(contactsOf(response)[0]).toEndWith(';expires=600');
});

test('a REGISTER of the same Call-ID that is older than the binding gets 500 (§10.3 steps 6 and 7)', () => {
  register({ callId: 'ordered', cseq: 10_000 });
  expect(register({ callId: 'ordered', cseq: 9_000, expires: 0 }).status).toBe(500);
  expect(register({ callId: 'ordered', cseq: 9_000, contacts: ['*'], expires: 0 }).status).toBe(500);
  expect(bindings()).toHaveLength(1);
  expect(register({ callId: 'ordered', cseq: 11_000, expires: 0 }).status).toBe(200);
  expect(bindings()).toEqual([]);
});

test('another Call-ID may take a binding over with any CSeq: the phone was restarted (§10.3 step 7)', () => {
  register({ callId: 'before', cseq: 10_000 });
  expect(register({ callId: 'after', cseq: 1 }).status).toBe(200);
});

test('more than ten bindings get 403, and none of the request is bound (§10.3 step 7)', () => {
  const contacts = Array.from({ length: 11 }, (_, index) => `<sip:d${index}@192.0.2.20>`);
  expect(register({ contacts }).status).toBe(403);
  expect(bindings()).toEqual([]);
  expect(register({ contacts: contacts.slice(1) }).status).toBe(200);
  expect(bindings()).toHaveLength(10);
});

test('less than the least time gets 423 with Min-Expires, and asked so it is bound (§10.3 step 7)', () => {
  const response = register({ expires: 1 });
  expect([response.status, value(response, 'Min-Expires')]).toEqual([423, '10']);
  expect(register({ expires: 10 }).status).toBe(200);
  expect(contactsOf(register({ expires: 99_999_999 }))[0]).toEndWith(';expires=7200');
});

test('a replayed REGISTER binds nothing: its nonce was counted (RFC 7616 §5.12)', () => {
  register({ callId: 'first', cseq: 1 });
  const original = network.sent.filter(({ text }) => text.includes('Authorization: ')).at(-1)?.text ?? '';
  register({ contacts: ['*'], expires: 0 });
  phone.sendText(REGISTRAR_ADDRESS, original.replace(/branch=[^;\r]+/, 'branch=z9hG4bKreplay'));
  network.run(50);
  expect(phone.responses('REGISTER').at(-1)?.message.status).toBe(401);
  expect(bindings()).toEqual([]);
});

test('a binding is told as it comes, is refreshed, goes and expires', () => {
  register({ expires: 60 });
  register({ expires: 60 });
  register({ contacts: ['*'], expires: 0 });
  register({ expires: 60 });
  network.run(61_000);
  const changes = network.eventsOf(registrar, 'binding.changed');
  expect(changes.map(({ change }) => change)).toEqual(['added', 'refreshed', 'removed', 'added', 'expired']);
  expect(changes[0]).toMatchObject({
    addressOfRecord: 'sip:100@lab.local',
    contact: 'sip:100@192.0.2.20',
    expiresS: 60,
  });
});

test('q is kept and listed (§20.10)', () => {
  const response = register({ contacts: ['<sip:a@192.0.2.20>;q=0.5', '<sip:b@192.0.2.20>'], expires: 60 });
  expect(contactsOf(response)).toEqual([
    '<sip:a@192.0.2.20>;expires=60;q=0.5',
    '<sip:b@192.0.2.20>;expires=60',
  ]);
});

test('a Path is kept and sent back; from a phone that does not know of it, it is a 420 (RFC 3327 §5.3)', () => {
  const path: HeaderLine[] = [['Path', '<sip:p1.lab.local;lr>, <sip:p2.lab.local;lr>']];
  const refused = register({ headers: path });
  expect([refused.status, value(refused, 'Unsupported')]).toEqual([420, 'path']);
  expect(bindings()).toEqual([]);
  const response = register({ headers: [...path, ['Supported', 'path'], ['Require', 'path']] });
  expect(response.status).toBe(200);
  expect(values(response, 'Path')).toEqual(['<sip:p1.lab.local;lr>', '<sip:p2.lab.local;lr>']);
});

test('an unknown extension in Require is a 420, a domain that is not ours a 404 (§10.3 steps 1 and 2)', () => {
  const refused = register({ headers: [['Require', 'magic']] });
  expect([refused.status, value(refused, 'Unsupported')]).toEqual([420, 'magic']);
  expect(register({ uri: 'sip:other.example' }).status).toBe(404);
  expect(register({ uri: 'sip:192.0.2.1' }).status).toBe(200);
});

test('a user agent of ours registers, is called through the proxy, and unregisters (§10, §16)', () => {
  const config = { echo: true, accounts: [accountOf('100')] };
  const echo = network.addEndpoint('echo', ECHO_ADDRESS, endpointConfig(ECHO_ADDRESS, config), [10_000]);
  const callerAddress = { address: '192.0.2.30', port: 5060 };
  const caller = network.addEndpoint(
    'caller',
    callerAddress,
    endpointConfig(callerAddress, { accounts: [accountOf('101')], seed: [5, 6, 7, 8] }),
  );
  echo.act({ type: 'register' });
  caller.act({ type: 'register' });
  network.run(200);
  caller.act({ type: 'call', to: '100@lab.local', audio: { address: '192.0.2.30', port: 40_000 } });
  network.run(500);
  expect(network.eventsOf(caller, 'call.changed').at(-1)).toMatchObject({ to: 'established' });
  caller.act({ type: 'hangup-all' });
  network.run(200);
  expect(network.eventsOf(echo, 'call.changed').at(-1)).toMatchObject({
    reason: 'BYE received, Q.850 16 "hung up"',
  });
  for (const node of [echo, caller]) node.act({ type: 'stop', reason: 'done' });
  network.run(200);
  expect(bindings()).toEqual([]);
  expect(leftovers(network, registrar, echo, caller)).toEqual([]);
});
