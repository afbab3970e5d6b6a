/** What a command may begin, and which events it hears of it: with an endpoint that only notes what it is asked. */
import { beforeEach, expect, test } from 'bun:test';
import { EVENT_VERSION, type Event, type EventBody } from '../events.ts';
import type { Account } from '../sip/endpoint-config.ts';
import type { Action } from '../sip/endpoint-io.ts';
import type { Task } from './control-message.ts';
import { Host } from './host.ts';

let asked: Action[];
let heard: string[];
let host: Host;
let seq = 0;
/** What the endpoint says in the turn of an action. */
let inTurn: (action: Action) => readonly EventBody[];

function account(user: string, domain = 'lab.local'): Account {
  const server = { host: '192.0.2.1', port: 5060, transport: 'udp' } as const;
  return {
    addressOfRecord: `sip:${user}@${domain}`,
    user,
    domain,
    authUser: user,
    password: 'x',
    server,
    expiresS: 60,
  };
}

function say(...bodies: readonly EventBody[]): void {
  for (const body of bodies) {
    const event: Event = { v: EVENT_VERSION, seq: ++seq, atMs: seq, ...body };
    host.event(event);
  }
}

function open(...accounts: Account[]): void {
  asked = [];
  heard = [];
  const act = (action: Action) => {
    asked.push(action);
    say(...inTurn(action));
  };
  host = new Host({ kind: 'agent', pid: 1, version: '1', act, accounts });
}

const listen = (event: Event) => void heard.push('to' in event ? `${event.type} ${event.to}` : event.type);
const call = (to: 'calling' | 'ringing' | 'established' | 'terminated', handle = 'call-1'): EventBody => ({
  type: 'call.changed',
  call: handle,
  callId: handle,
  direction: 'outgoing',
  peer: 'sip:101@lab.local',
  from: to === 'calling' ? 'idle' : 'calling',
  to,
});
const registration = (
  to: 'registering' | 'registered' | 'retrying' | 'failed' | 'unregistered',
  callId = 'r1',
): EventBody => ({ type: 'registration.changed', account: 'sip:100@lab.local', callId, from: 'idle', to });
const sent = (callId: string, handle?: string): EventBody => ({
  type: 'sip.sent',
  transport: 'udp',
  remote: '192.0.2.1:5060',
  startLine: 'X',
  bytes: 1,
  callId,
  ...(handle === undefined ? {} : { call: handle }),
});

beforeEach(() => {
  inTurn = () => [];
});

test('a call is placed from the one account there is, and heard alone', () => {
  inTurn = ({ type }) => (type === 'call' ? [call('calling'), sent('c', 'call-1')] : []);
  open(account('100'));
  say(call('established', 'call-0'));
  host.begin({ type: 'call', to: '101' }, undefined, listen);
  say(call('ringing', 'call-0'), call('ringing'));
  expect(asked).toEqual([{ type: 'call', to: '101@lab.local', from: 'sip:100@lab.local' }]);
  expect(heard).toEqual(['call.changed calling', 'sip.sent', 'call.changed ringing']);
});

test('what names no call belongs to one that has sent something to where it came from', () => {
  inTurn = ({ type }) => (type === 'call' ? [call('calling'), sent('c', 'call-1')] : []);
  open(account('100'));
  const stray = (remote: string): EventBody => ({
    type: 'sip.rejected',
    transport: 'udp',
    remote,
    code: 'response-unexpected',
    offset: 0,
    detail: 'X',
  });
  host.begin({ type: 'call', to: '101' }, undefined, listen);
  say(stray('192.0.2.1:5060'), stray('192.0.2.2:5060'));
  expect(heard).toEqual(['call.changed calling', 'sip.sent', 'sip.rejected']);
});

test('without an account the caller is anonymous; a callee without a domain is then a question', () => {
  open();
  host.begin({ type: 'call', to: 'sip:7@192.0.2.9' }, undefined, listen);
  expect(asked).toEqual([{ type: 'call', to: 'sip:7@192.0.2.9' }]);
  expect(() => host.begin({ type: 'call', to: '7' }, undefined, listen)).toThrow('give 7@HOST');
});

test('an account that was taken back while its registrar is silent is nobody to call as, until it is registered again', () => {
  open(account('100'));
  say(registration('registering'));
  host.begin({ type: 'remove-account', account: '100' }, undefined, listen);
  host.begin({ type: 'call', to: 'sip:102@192.0.2.9' }, undefined, listen);
  expect(asked.at(-1)).toEqual({ type: 'call', to: 'sip:102@192.0.2.9' });
  host.begin({ type: 'add-account', account: account('100') }, undefined, listen);
  host.begin({ type: 'call', to: '102' }, undefined, listen);
  expect(asked.at(-1)).toEqual({ type: 'call', to: '102@lab.local', from: 'sip:100@lab.local' });
});

test('several accounts and none named, or a name that is nobody’s: a sentence that lists them', () => {
  open(account('100'), account('200'), account('100', 'other.example'));
  const place = (from?: string) => () =>
    host.begin({ type: 'call', to: 'a@b', ...(from === undefined ? {} : { from }) }, undefined, listen);
  expect(place()).toThrow('sip:100@lab.local, sip:200@lab.local, sip:100@other.example');
  expect(place('100')).toThrow('may be one of');
  expect(place('300')).toThrow('There is no account 300');
  expect(asked).toEqual([]);
  place('100@other.example')();
  expect(asked).toHaveLength(1);
});

test('whoever places a call hears that STUN is of no help, found before or after, until it is', () => {
  const silent: EventBody = {
    type: 'diagnosis.raised',
    code: 'stun-unanswered',
    severity: 'warning',
    evidence: '192.0.2.9:3478 has not answered for 7.5 s',
    cause: 'it is down',
    next: 'check --stun',
  };
  open(account('100'));
  say(silent);
  host.begin({ type: 'call', to: '101' }, undefined, listen);
  say({ ...silent, code: 'nat-symmetric' }, { ...silent, code: 'call-unknown' });
  expect(heard.filter((one) => one === 'diagnosis.raised')).toHaveLength(2);
  open(account('100'));
  say(silent, { type: 'address.discovered', scope: 'public', address: '203.0.113.5', learnedBy: 'stun' });
  host.begin({ type: 'call', to: '101' }, undefined, listen);
  expect(heard).not.toContain('diagnosis.raised');
});

test('whoever registers or calls hears where we are, found before or after, and no time has passed since', () => {
  const at = (address: string, scope: 'local' | 'public'): EventBody => ({
    type: 'address.discovered',
    scope,
    address,
    learnedBy: scope === 'local' ? 'route' : 'rport',
  });
  const tasks: Task[] = [
    { type: 'add-account', account: account('100') },
    { type: 'call', to: '101' },
  ];
  for (const task of tasks) {
    open(account('100'));
    say(at('10.0.0.1', 'local'), at('203.0.113.4', 'public'), at('203.0.113.5', 'public'), call('calling'));
    const events: Event[] = [];
    host.begin(task, undefined, (event) => void events.push(event));
    say(at('203.0.113.6', 'public'));
    const told = events.flatMap((event) => (event.type === 'address.discovered' ? [event] : []));
    expect(told.map(({ address }) => address)).toEqual(['10.0.0.1', '203.0.113.5', '203.0.113.6']);
    // Of the endpoint's clock, which stood at the last event: not when they were found.
    expect(told[0]?.atMs).toBeGreaterThanOrEqual(seq - 1);
  }
});

test('a seed goes before what it is for, and makes the Call-ID repeatable', () => {
  open(account('100'));
  host.begin({ type: 'call', to: '101' }, [1, 2, 3, 4], listen);
  expect(asked[0]).toEqual({ type: 'seed', words: [1, 2, 3, 4] });
  expect(asked[1]).toMatchObject({ type: 'call', repeatable: true });
});

test('a call that nobody waits for any more is hung up while it rings, and kept once it is established', () => {
  inTurn = ({ type }) => (type === 'call' ? [call('calling')] : []);
  open(account('100'));
  host.begin({ type: 'call', to: '101' }, undefined, listen).end();
  expect(asked.at(-1)).toEqual({ type: 'hangup', call: 'call-1' });
  say(call('terminated'));
  const { end } = host.begin({ type: 'call', to: '101' }, undefined, listen);
  say(call('established'));
  end();
  expect(asked.at(-1)?.type).toBe('call');
});

test("a call's own proxy is reached as the account's server is, unless it says otherwise", () => {
  open({ ...account('100'), server: { host: 'lab.local', port: 5061, transport: 'tls' } });
  const place = (proxy: { host: string; transport?: 'udp' }) => {
    host.begin({ type: 'call', to: '101', proxy }, undefined, listen);
    const last = asked.at(-1);
    return last?.type === 'call' ? last.proxy?.transport : undefined;
  };
  expect(place({ host: '192.0.2.9' })).toBe('tls');
  expect(place({ host: '192.0.2.9', transport: 'udp' })).toBe('udp');
  open();
  host.begin({ type: 'call', to: '101@lab.local', proxy: { host: '192.0.2.9' } }, undefined, listen);
  expect(asked.at(-1)).toMatchObject({ proxy: { transport: 'udp' } });
});

test('a registration is heard by its account and its Call-ID, and by no other', () => {
  inTurn = ({ type }) => (type === 'add-account' ? [registration('registering')] : []);
  open();
  host.begin({ type: 'add-account', account: account('100') }, undefined, listen);
  say(sent('r1'), sent('r0'), registration('unregistered', 'r0'), registration('registered'));
  expect(heard).toEqual(['registration.changed registering', 'sip.sent', 'registration.changed registered']);
  expect(host.holdings.registered).toEqual(['sip:100@lab.local']);
});

test('a registration that never stood is taken back, one that stood is left to try again', () => {
  open();
  const begin = () => host.begin({ type: 'add-account', account: account('100') }, undefined, listen);
  begin();
  expect(asked.at(-1)).toMatchObject({ type: 'add-account', once: true });
  say(registration('registering'), registration('failed'));
  expect(asked.at(-1)).toEqual({ type: 'remove-account', account: 'sip:100@lab.local' });
  say(registration('unregistered'));
  expect(() => host.begin({ type: 'remove-account', account: '100' }, undefined, listen)).toThrow(
    'There is no account 100 here to take back: nobody is registered. What another program, or one that was killed, has bound ends when it expires; ringback doctor HOST --user 100 -v shows it.',
  );
  begin();
  say(registration('registering'), registration('registered'), registration('retrying'));
  expect(asked.at(-1)?.type).toBe('add-account');
});

test('a try beside a registration that stands takes back nothing when it fails, and calls go on as the one that stands', () => {
  open();
  const begin = (password: string) =>
    host.begin({ type: 'add-account', account: { ...account('100'), password } }, undefined, listen);
  begin('right');
  say(registration('registering'), registration('registered'));
  begin('wrong');
  say(registration('registering'), registration('failed'), registration('registered'));
  expect(asked.map(({ type }) => type)).toEqual(['add-account', 'add-account']);
  expect(host.holdings.registered).toEqual(['sip:100@lab.local']);
});

test('credentials for a call go with it, and never take the place of a registration', () => {
  inTurn = ({ type }) => (type === 'call' ? [call('calling')] : []);
  open();
  const given = { type: 'add-account', account: account('100'), register: false } as const;
  host.begin(given, undefined, listen).end();
  host.begin({ type: 'call', to: '101', from: '100' }, undefined, listen);
  say(call('established'), call('terminated'));
  expect(asked.at(-1)).toEqual({ type: 'remove-account', account: 'sip:100@lab.local' });
  say(registration('registering'), registration('registered'));
  const before = asked.length;
  host.begin(given, undefined, listen).end();
  expect(asked).toHaveLength(before);
});

test('a call that is not there is a sentence with those that are', () => {
  open();
  const hangup = () => host.begin({ type: 'hangup', call: 'call-9' }, undefined, listen);
  expect(hangup).toThrow('There is no call call-9; there are no calls.');
  say(call('calling'));
  expect(hangup).toThrow('the calls are call-1.');
});

test('it is idle when nothing is held and nobody waits, and begins nothing while it stops', () => {
  open();
  expect(host.idle).toBeTrue();
  say(call('calling'));
  expect(host.idle).toBeFalse();
  say(call('terminated'), registration('registering'), registration('failed'));
  expect(host.idle).toBeTrue();
  host.begin({ type: 'call', to: 'a@b' }, undefined, listen);
  expect(host.idle).toBeFalse();
  host.stop('enough');
  expect(() => host.begin({ type: 'call', to: 'a@b' }, undefined, listen)).toThrow('is ending');
});

test('its status has what stands, without a word of a password', () => {
  open(account('100'));
  say(
    { type: 'session.started', version: '1', wallTime: '2026-01-01T00:00:00.000Z', configuration: {} },
    { type: 'listener.opened', transport: 'udp', address: '::', port: 5060 },
    { ...registration('registered'), expiresS: 60 } as EventBody,
    call('established'),
  );
  const status = host.status();
  expect(status).toMatchObject({
    kind: 'agent',
    startedAt: '2026-01-01T00:00:00.000Z',
    listeners: [{ transport: 'udp', address: '::', port: 5060 }],
    registrations: [{ account: 'sip:100@lab.local', state: 'registered', expiresS: 60 }],
    calls: [{ call: 'call-1', state: 'established', peer: 'sip:101@lab.local' }],
  });
  expect(JSON.stringify(status)).not.toContain('password');
});
