/** Whose an ICMP error is, when the socket does not say (RFC 3261 §18.4). */
import { expect, test } from 'bun:test';
import { recentPeers } from './recent-peers.ts';

const ONE = { address: '192.0.2.1', port: 5060 };
const TWO = { address: '192.0.2.1', port: 5070 };

test('it is the peer that everything of late was sent to', () => {
  const peers = recentPeers();
  expect(peers.only(0)).toBeUndefined();
  peers.sent(ONE, 100);
  peers.sent(ONE, 600);
  expect(peers.only(1_600)).toEqual(ONE);
  expect(peers.only(1_601)).toBeUndefined();
});

test('with two of them nobody knows, until one was silent for a while', () => {
  const peers = recentPeers();
  peers.sent(ONE, 100);
  peers.sent(TWO, 200);
  expect(peers.only(201)).toBeUndefined();
  peers.sent(TWO, 1_000);
  expect(peers.only(1_100)).toBeUndefined();
  expect(peers.only(1_101)).toEqual(TWO);
});
