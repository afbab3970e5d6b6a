/**
 * Flow tokens (RFC 5626 §5.2): the user part of a Record-Route of ours that says over which flow the side behind it is
 * reached. What belongs to the dialog goes over that flow, whatever the phone's Contact says.
 *
 *     <sip:t.17.9f3c…@192.0.2.1:5060;transport=tcp;lr;dialog=…>      connection 17
 *     <sip:u.192.0.2.20-40000.1b7a…@192.0.2.1:5060;lr;dialog=…>      that address over UDP
 *
 * The last part is a keyed hash: a Route is written by anybody, and without it a stranger could have us send to whatever
 * address he likes. A token of before a restart is none of ours, and the request goes where its URI says.
 */
import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Flow, isReliable } from './flow.ts';
import { readDigits } from './text.ts';
import type { TransportLayer } from './transport-layer.ts';

/** The token of a flow. `secret`: 128 bits or more. */
export function flowToken(secret: string, flow: Flow): string {
  const { remote, connection } = flow;
  const where = isReliable(flow.transport)
    ? `t.${connection}`
    : `u.${remote.address.replaceAll(':', '_')}-${remote.port}`;
  return `${where}.${signature(secret, where)}`;
}

/** What a Route says of its flow: `none` for no token of ours, `gone` for a connection that is closed. */
export function flowOfToken(
  secret: string,
  token: string | undefined,
  transport: TransportLayer,
): Flow | 'none' | 'gone' {
  const end = token?.lastIndexOf('.') ?? -1;
  if (token === undefined || end === -1) return 'none';
  const where = token.slice(0, end);
  const given = Buffer.from(token.slice(end + 1), 'latin1');
  const right = Buffer.from(signature(secret, where), 'latin1');
  if (given.length !== right.length || !timingSafeEqual(given, right)) return 'none';
  if (where.startsWith('t.')) return transport.connections.flowOf(readDigits(where.slice(2))) ?? 'gone';
  const dash = where.lastIndexOf('-');
  const address = where.slice(2, dash).replaceAll('_', ':');
  return { transport: 'udp', remote: { address, port: readDigits(where.slice(dash + 1)) } };
}

/** 80 bits, as the algorithm of §5.2 has. */
function signature(secret: string, where: string): string {
  return createHmac('sha256', secret).update(`flow ${where}`, 'latin1').digest('hex').slice(0, 20);
}
