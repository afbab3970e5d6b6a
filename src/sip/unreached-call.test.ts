/** What is said of a call that no response ended (RFC 3261 §8.1.3.1, §17.1.1.2). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type CallingScene, callingScene } from '../io/virtual-calling.ts';
import { leftovers } from '../io/virtual-scene.ts';

let scene: CallingScene;

beforeEach(() => {
  scene = callingScene();
});

afterEach(() => {
  scene.ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(scene.network, scene.ours)).toEqual([]);
});

const said = () =>
  scene.network
    .eventsOf(scene.ours, 'diagnosis.raised')
    .map(({ code, evidence, cause, next }) => ({ code, evidence, cause, next }));

test('a port that nobody has: where the INVITE went, and the other transport to try', () => {
  scene.call('bob@192.0.2.99');
  expect(scene.last()).toMatchObject({ outcome: 'unreachable' });
  expect(scene.last()).not.toHaveProperty('status');
  expect(said()).toEqual([
    {
      code: 'call-unreachable',
      evidence: 'INVITE to 192.0.2.99:5060 over UDP: port unreachable',
      cause: 'nothing that speaks SIP over UDP answers there, or a firewall is in the way',
      next: 'check the address that is called; many servers speak one transport alone, so try --transport tcp',
    },
  ]);
});

test('over TLS nobody is advised to do without it', () => {
  scene.call('bob@192.0.2.99;transport=tls');
  scene.network.run(100);
  expect(said()).toMatchObject([
    {
      evidence: expect.stringMatching(/^INVITE to 192\.0\.2\.99:5061 over TLS: /),
      next: 'check the address that is called; see whether TLS is switched on there, as it is not with every server',
    },
  ]);
});

test('64·T1 without a response: the words of a replay (Timer B, §17.1.1.2)', () => {
  scene.phone.node.away = true;
  scene.call();
  scene.network.run(32_100);
  expect(scene.last()).toMatchObject({ outcome: 'no-answer' });
  expect(scene.last()).not.toHaveProperty('status');
  expect(said()).toMatchObject([
    {
      code: 'no-response',
      evidence: 'the INVITE to 192.0.2.20:5060 over UDP got not even a 100 within 32 s',
      cause: 'nobody listens there, or the way there or back is blocked',
    },
  ]);
});

test('a name that DNS does not know: it is not the server that is blamed', () => {
  scene.call('bob@nowhere.example');
  expect(said()).toMatchObject([
    {
      code: 'call-unreachable',
      evidence: expect.stringMatching(/^INVITE to nowhere\.example: /),
      cause: expect.stringContaining('the name is misspelt'),
    },
  ]);
});

test('the last of several servers is the one that is named; those before it were said to have failed', () => {
  scene.network.names.set('server.example', ['192.0.2.91', '192.0.2.92']);
  scene.call('bob@server.example');
  scene.network.run(100);
  expect(said().map(({ code, evidence }) => `${code}: ${evidence}`)).toEqual([
    'server-failed: server.example at 192.0.2.91:5060 over UDP: port unreachable',
    'call-unreachable: INVITE to server.example, 192.0.2.92:5060 over UDP: port unreachable',
  ]);
});
