import { expect, test } from 'bun:test';
import { responseBytes } from './serialize-message.ts';
import { openStage, readRequest, requestText } from './transaction-stage.ts';

const INVITE = requestText('INVITE');
/** The ACK to a refusal: the INVITE's own branch (§17.1.1.3). */
const ACK = requestText('ACK', { CSeq: '1 ACK', To: '<sip:echo@lab.local>;tag=ours' });

test('a retransmitted INVITE gets the last provisional response again, and nothing before there is one (§17.2.1)', () => {
  const stage = openStage();
  const invite = stage.open(INVITE);
  expect(stage.receive(INVITE)).toBe('absorbed');
  expect(stage.sentAt('SIP/2.0')).toEqual([]);
  stage.respond(invite, 100);
  stage.respond(invite, 180);
  stage.runTo(500);
  expect(stage.receive(INVITE)).toBe('absorbed');
  expect(stage.sentAt('SIP/2.0 100')).toEqual([0]);
  expect(stage.sentAt('SIP/2.0 180')).toEqual([0, 500]);
});

test('a refusal is repeated at T1, 2·T1 … up to T2 until Timer H (§17.2.1)', () => {
  const stage = openStage();
  const invite = stage.open(INVITE);
  stage.respond(invite, 486);
  stage.runTo(100_000);
  expect(stage.sentAt('SIP/2.0 486')).toEqual([
    0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
  ]);
  expect(stage.heard).toEqual(['timeout at 32000']);
  expect(stage.layer.size).toBe(0);
});

test('on a stream a refusal goes once, and Timer H still waits for the ACK (§17.2.1)', () => {
  const stage = openStage('tcp');
  const invite = stage.open(INVITE);
  stage.respond(invite, 486);
  stage.runTo(100_000);
  expect(stage.sentAt('SIP/2.0 486')).toEqual([0]);
  expect(stage.heard).toEqual(['timeout at 32000']);
});

test('a retransmitted INVITE gets the refusal again, beside Timer G (§17.2.1)', () => {
  const stage = openStage();
  const invite = stage.open(INVITE);
  stage.respond(invite, 486);
  stage.runTo(200);
  expect(stage.receive(INVITE)).toBe('absorbed');
  stage.runTo(500);
  expect(stage.sentAt('SIP/2.0 486')).toEqual([0, 200, 500]);
});

test('ACK in Completed moves to Confirmed and arms Timer I (§17.2.1)', () => {
  const stage = openStage();
  const invite = stage.open(INVITE);
  stage.respond(invite, 486);
  stage.runTo(600);
  expect(stage.receive(ACK)).toBe('absorbed');
  expect(invite.state).toBe('confirmed');
  expect(stage.layer.nextMs()).toBe(5_600);
  // Confirmed absorbs what is late: ACKs and INVITEs.
  expect(stage.receive(ACK)).toBe('absorbed');
  expect(stage.receive(INVITE)).toBe('absorbed');
  stage.runTo(5_600);
  expect(stage.sentAt('SIP/2.0 486')).toEqual([0, 500]);
  expect(invite.state).toBe('terminated');
  expect(stage.heard).toEqual([]);
});

test('on a stream Timer I is zero (§17.2.1)', () => {
  const stage = openStage('tcp');
  const invite = stage.open(INVITE);
  stage.respond(invite, 486);
  stage.receive(ACK);
  expect(invite.state).toBe('confirmed');
  stage.runTo(0);
  expect(invite.state).toBe('terminated');
});

test('a 2xx is sent once by the transaction and repeated by its user; INVITEs are absorbed (RFC 6026 §7.1)', () => {
  const stage = openStage();
  const invite = stage.open(INVITE);
  stage.respond(invite, 200);
  stage.runTo(400);
  expect(stage.receive(INVITE)).toBe('absorbed');
  stage.runTo(500);
  stage.act((turn) => stage.layer.repeatOk(turn, invite));
  stage.runTo(31_999);
  expect(stage.sentAt('SIP/2.0 200')).toEqual([0, 500]);
  expect(invite.state).toBe('accepted');
  // Timer L: nothing can be repeated any more.
  stage.runTo(32_000);
  stage.act((turn) => stage.layer.repeatOk(turn, invite));
  expect(stage.sentAt('SIP/2.0 200')).toEqual([0, 500]);
  expect(stage.layer.size).toBe(0);
});

test('Timer L is 64·T1 on a stream as well (RFC 6026 §7.1)', () => {
  const stage = openStage('tcp');
  const invite = stage.open(INVITE);
  stage.respond(invite, 200);
  stage.runTo(31_999);
  expect(invite.state).toBe('accepted');
  stage.runTo(32_000);
  expect(invite.state).toBe('terminated');
});

test("an ACK with the branch of an accepted INVITE is the user's (RFC 6026 §7.1)", () => {
  const stage = openStage();
  const invite = stage.open(INVITE);
  stage.respond(invite, 200);
  expect(stage.receive(ACK)).toBe('passed');
  expect(invite.state).toBe('accepted');
});

test('the ACK to a 2xx has a branch of its own and belongs to no transaction (§17.1.1.3, §13.2.2.4)', () => {
  const stage = openStage();
  stage.respond(stage.open(INVITE), 200);
  const via = 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-peer-2';
  expect(stage.receive(requestText('ACK', { CSeq: '1 ACK', Via: via }))).toBe('unmatched');
});

test('a second final response changes nothing: the first one is what is repeated (§17.2.1)', () => {
  const stage = openStage();
  const invite = stage.open(INVITE);
  stage.respond(invite, 486);
  stage.respond(invite, 200);
  stage.respond(invite, 180);
  stage.respond(invite, 603);
  stage.runTo(500);
  expect(stage.sentAt('SIP/2.0 486')).toEqual([0, 500]);
  expect(stage.sentAt('SIP/2.0')).toEqual([0, 500]);
});

test('a refusal after a 2xx changes nothing (RFC 6026 §7.1)', () => {
  const stage = openStage();
  const invite = stage.open(INVITE);
  stage.respond(invite, 200);
  stage.respond(invite, 486);
  stage.runTo(500);
  stage.act((turn) => stage.layer.repeatOk(turn, invite));
  expect(invite.state).toBe('accepted');
  expect(stage.sentAt('SIP/2.0 200')).toEqual([0, 500]);
  expect(stage.sentAt('SIP/2.0 486')).toEqual([]);
});

test('a transport error is told to the user and changes no state (RFC 6026 §8.7)', () => {
  const stage = openStage();
  const invite = stage.open(INVITE);
  stage.respond(invite, 180);
  stage.fail();
  expect(stage.heard).toEqual(['failed at 0']);
  expect(invite.state).toBe('proceeding');
  stage.respond(invite, 486);
  stage.fail();
  expect(invite.state).toBe('completed');
  stage.receive(ACK);
  expect(invite.state).toBe('confirmed');
});

test('branch and sent-by tell transactions apart, not the Call-ID (§17.2.3)', () => {
  const stage = openStage();
  stage.open(INVITE);
  const same = { 'Call-ID': 'other', CSeq: '9 INVITE' };
  expect(stage.receive(requestText('INVITE', same))).toBe('absorbed');
  const elsewhere = { Via: 'SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK-peer-1' };
  expect(stage.receive(requestText('INVITE', elsewhere))).toMatchObject({ state: 'proceeding' });
  const host = { Via: 'SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK-peer-1' };
  expect(stage.receive(requestText('INVITE', host))).toMatchObject({ state: 'proceeding' });
  expect(stage.layer.size).toBe(3);
});

test('what a proxy noted in the Via makes no other transaction of it (§17.2.3)', () => {
  const stage = openStage();
  stage.open(INVITE);
  const noted = { Via: 'SIP/2.0/UDP 192.0.2.1:5060;rport;received=192.0.2.7;branch=z9hG4bK-peer-1' };
  expect(stage.receive(requestText('INVITE', noted))).toBe('absorbed');
});

test('a CANCEL means the INVITE with its branch, and has a transaction of its own (§9.2, §17.2.3)', () => {
  const stage = openStage();
  const invite = stage.open(INVITE);
  const cancel = readRequest(requestText('CANCEL', { CSeq: '1 CANCEL' }));
  expect(stage.layer.matchServer(cancel.message, cancel.core)).toBeUndefined();
  expect(stage.layer.matchCancelled(cancel.message, cancel.core)).toBe(invite);
  const via = 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-peer-2';
  const stray = readRequest(requestText('CANCEL', { CSeq: '1 CANCEL', Via: via }));
  expect(stage.layer.matchCancelled(stray.message, stray.core)).toBeUndefined();
});

/** RFC 2543 peers: no branch, or one without the magic cookie (§17.2.3). */
const OLD = 'SIP/2.0/UDP 192.0.2.1:5060;branch=1';
const OLD_INVITE = { Via: OLD };
const OLD_ACK = { Via: OLD, CSeq: '1 ACK', To: '<sip:echo@lab.local>;tag=ours' };

test('without the magic cookie an INVITE is known by URI, From tag, Call-ID, CSeq and top Via (§17.2.3)', () => {
  const stage = openStage();
  stage.open(requestText('INVITE', OLD_INVITE));
  expect(stage.receive(requestText('INVITE', OLD_INVITE))).toBe('absorbed');
  const others = [
    { ...OLD_INVITE, uri: 'sip:other@198.51.100.1' },
    { ...OLD_INVITE, From: '<sip:100@lab.local>;tag=other' },
    { ...OLD_INVITE, 'Call-ID': 'other' },
    { ...OLD_INVITE, CSeq: '2 INVITE' },
    { ...OLD_INVITE, Via: 'SIP/2.0/UDP 192.0.2.1:5061;branch=1' },
    { ...OLD_INVITE, Via: 'SIP/2.0/UDP 192.0.2.1:5060;branch=2' },
    { ...OLD_INVITE, Via: 'SIP/2.0/UDP 192.0.2.1:5060' },
  ];
  for (const other of others) {
    expect(stage.receive(requestText('INVITE', other))).toMatchObject({ state: 'proceeding' });
  }
  expect(stage.layer.size).toBe(1 + others.length);
});

test('its ACK is matched by the same, its CANCEL too (§17.2.3, §9.2)', () => {
  const stage = openStage();
  const invite = stage.open(requestText('INVITE', OLD_INVITE));
  const cancel = readRequest(requestText('CANCEL', { Via: OLD, CSeq: '1 CANCEL' }));
  expect(stage.layer.matchCancelled(cancel.message, cancel.core)).toBe(invite);
  stage.respond(invite, 487);
  expect(stage.receive(requestText('ACK', { ...OLD_ACK, CSeq: '2 ACK' }))).toBe('unmatched');
  expect(stage.receive(requestText('ACK', OLD_ACK))).toBe('absorbed');
  expect(invite.state).toBe('confirmed');
});

test('a branch that is the magic cookie and no more identifies nothing: RFC 2543 rules (RFC 4475 §3.2.1)', () => {
  const stage = openStage();
  const via = { Via: 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK' };
  const invite = stage.open(requestText('INVITE', via));
  expect(stage.receive(requestText('INVITE', via))).toBe('absorbed');
  // The same peer, another call, the same empty branch.
  expect(stage.receive(requestText('INVITE', { ...via, 'Call-ID': 'other' }))).toMatchObject({
    side: 'server',
  });
  expect(stage.layer.size).toBe(2);
  stage.respond(invite, 486);
  expect(stage.receive(requestText('ACK', { ...via, CSeq: '1 ACK' }))).toBe('absorbed');
  expect(invite.state).toBe('confirmed');
});

/** A request that came over TCP. */
const STREAMED = { Via: 'SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK-peer-1' };

test('a response whose stream is gone goes over a new one, to the source at the port of sent-by (§18.2.2)', () => {
  const stage = openStage('tcp');
  const invite = stage.open(requestText('INVITE', STREAMED));
  stage.respond(invite, 180);
  stage.transports.connections.disconnected(1);
  stage.fail();
  const asked = stage.act((turn) => {
    const ok = responseBytes(invite.request, 200, { toTag: 'ours' });
    stage.layer.respond(turn, invite, 200, ok);
    return turn.outputs.filter(({ type }) => type === 'connect');
  });
  const remote = { address: '192.0.2.1', port: 5070 };
  expect(asked).toEqual([{ type: 'connect', connection: 2, transport: 'tcp', remote }]);
  expect(stage.sentAt('SIP/2.0 200')).toEqual([]);
  // It waits until the stream is up, and what follows takes the same one.
  stage.act((turn) => stage.transports.connections.connected(turn, 2, 'tcp', remote));
  expect(stage.sentAt('SIP/2.0 200')).toEqual([0]);
  stage.runTo(500);
  stage.act((turn) => stage.layer.repeatOk(turn, invite));
  expect(stage.sentAt('SIP/2.0 200')).toEqual([0, 500]);
  expect(stage.transports.connections.size).toBe(1);
});
