/**
 * The line of one OPTIONS ping: who answered what, how fast, and what it is. As ping(8) has it, one line an answer,
 * because what a person looks for is the change from one line to the next.
 */
import type { EventOf } from '../events.ts';
import { type Line, line } from './plain-line.ts';
import { printable } from './printable.ts';

/** `[PING] 200 OK from udp 192.0.2.1:5060 in 1.3 ms, Kamailio (5.6)`. */
export function pingLine(event: EventOf<'ping.answered'>): Line {
  const { remote, transport, status, reason, rttMs, server, failure, detail } = event;
  const where = remote === undefined ? printable(event.to) : `${transport ?? ''} ${printable(remote)}`.trim();
  if (status === undefined) {
    const why = detail === undefined ? (failure ?? 'no answer') : printable(detail, 300);
    return line(-1, 'PING', `no answer from ${where}: ${why}`);
  }
  const phrase = reason === undefined || reason === '' ? '' : ` ${printable(reason)}`;
  const took = rttMs === undefined ? '' : ` in ${rttMs.toFixed(1)} ms`;
  const who = server === undefined ? '' : `, ${printable(server)}`;
  const why = detail === undefined ? '' : `: ${printable(detail, 300)}`;
  return line(failure === undefined ? 0 : -1, 'PING', `${status}${phrase} from ${where}${took}${who}${why}`);
}
