/** What a command asks for arrives as it was asked for: a field that a schema leaves out is dropped without a word. */
import { expect, test } from 'bun:test';
import { task } from './control-message.ts';

test('the server and the proxy of an account keep what DNS may say of them (RFC 3263 §4)', () => {
  const account = {
    addressOfRecord: 'sip:100@lab.local',
    user: '100',
    domain: 'lab.local',
    authUser: '100',
    password: 'x',
    server: { host: 'lab.local', port: 5060, transport: 'udp', open: 'transport' },
    proxy: { host: 'proxy.local', port: 5060, transport: 'udp', open: 'port', explicit: true },
    expiresS: 60,
  };
  const asked = { type: 'add-account', account };
  expect<unknown>(task.parse(asked)).toEqual(asked);
  const call = { type: 'call', to: 'sip:101@lab.local', proxy: { host: 'proxy.local', transport: 'tls' } };
  expect<unknown>(task.parse(call)).toEqual(call);
});
