/** Who is tried last, and until when (RFC 3263 §4.3, RFC 3261 §21.5.4). */
import { expect, test } from 'bun:test';
import { FAILED_SERVER_MS, FailedServers } from './failed-servers.ts';
import type { ServerHop } from './flow.ts';
import { MAX_FAILED_SERVERS } from './limits.ts';
import { NO_BODY } from './message.ts';
import type { ClientTransaction, Indication } from './transaction.ts';

const hop = (port: number): ServerHop => ({ transport: 'udp', address: '192.0.2.1', port });
const [A, B, C] = [hop(1), hop(2), hop(3)];

function about({ transport, address, port }: ServerHop): ClientTransaction<undefined> {
  // What is learnt depends on the side and the flow alone.
  const known = { side: 'client', flow: { transport, remote: { address, port } } } as const;
  return known as unknown as ClientTransaction<undefined>;
}

const timeout = (server: ServerHop): Indication<undefined> => ({
  type: 'timeout',
  transaction: about(server),
});
const answer = (server: ServerHop, status: number, after?: string): Indication<undefined> => {
  const headers = after === undefined ? [] : [{ name: 'Retry-After', value: after, offset: 0 }];
  const response = { kind: 'response', status, reason: '', headers, body: NO_BODY } as const;
  return { type: 'response', transaction: about(server), response };
};

test('silence puts a server behind the others, whose order stays', () => {
  const failed = new FailedServers();
  failed.learn(timeout(A), 0);
  expect(failed.order([A, B, C], FAILED_SERVER_MS - 1)).toEqual([B, C, A]);
  expect(failed.order([A, B, C], FAILED_SERVER_MS)).toEqual([A, B, C]);
  expect(failed.order([{ ...A, transport: 'tcp' }, B], 1)).toEqual([{ ...A, transport: 'tcp' }, B]);
});

test('503 counts for as long as its Retry-After says, an hour at most; any other response makes well (§21.5.4)', () => {
  const failed = new FailedServers();
  failed.learn(answer(A, 503, '10'), 0);
  expect(failed.order([A, B], 9_999)).toEqual([B, A]);
  expect(failed.order([A, B], 10_000)).toEqual([A, B]);
  failed.learn(answer(A, 503, '999999'), 0);
  expect(failed.order([A, B], 3_599_999)).toEqual([B, A]);
  expect(failed.order([A, B], 3_600_000)).toEqual([A, B]);
  failed.learn(answer(A, 503), 0);
  failed.learn(answer(A, 100), 1);
  expect(failed.order([A, B], 2)).toEqual([A, B]);
});

test('so many are remembered, and the one that failed longest ago is forgotten', () => {
  const failed = new FailedServers();
  for (let port = 1; port <= MAX_FAILED_SERVERS + 1; port++) failed.learn(timeout(hop(port)), 0);
  expect(failed.order([A, B, hop(9_999)], 1)).toEqual([A, hop(9_999), B]);
});
