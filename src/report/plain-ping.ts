/**
 * The lines of OPTIONS pings: who answered what, how fast, and what it is; then what came of all. As ping(8) has it,
 * one line an answer, because what a person looks for is the change from one line to the next.
 */
import type { EventOf } from '../events.ts';
import { type Line, line } from './plain-line.ts';
import { printable } from './printable.ts';

/** `[PING] 200 OK from udp 192.0.2.1:5060 in 1.3 ms, Kamailio (5.6)`, and what it supports underneath. */
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
  const level = failure === undefined ? 0 : -1;
  return {
    ...line(level, 'PING', `${status}${phrase} from ${where}${took}${who}${why}`),
    more: abilities(event),
  };
}

/** `[QUERY] 200 OK to sip:100@lab.local from udp 192.0.2.1:5060 in 3.1 ms`, and what is bound there underneath. */
export function queryLine(event: EventOf<'registration.queried'>): Line {
  const { account, remote, transport, status, reason, rttMs, contacts = [], detail } = event;
  const where = remote === undefined ? '' : ` from ${transport ?? ''} ${printable(remote)}`;
  const said = status === undefined ? 'no answer' : `${status} ${printable(reason ?? '')}`.trim();
  const took = rttMs === undefined ? '' : ` in ${rttMs.toFixed(1)} ms`;
  const why = detail === undefined ? '' : `: ${printable(detail, 300)}`;
  return {
    ...line(1, 'QUERY', `${said} to ${printable(account)}${where}${took}${why}`),
    more: contacts.map((contact) => `bound: ${printable(contact)}`),
  };
}

function abilities(event: EventOf<'ping.answered'>): string[] {
  return (['allow', 'supported', 'accept'] as const).flatMap((name) => {
    const words = event[name];
    return words === undefined ? [] : [`${name}: ${words.map((word) => printable(word)).join(', ')}`];
  });
}

/** `[PING] 5 sent, 4 answered, 20 % lost, round trip min/avg/max 0.8/1.0/1.3 ms`. */
export function pingTotalsLine({ sent, answered, minMs, avgMs, maxMs }: EventOf<'ping.finished'>): Line {
  const lost = sent === 0 ? 0 : Math.round((100 * (sent - answered)) / sent);
  const times = [minMs, avgMs, maxMs].map((time) => time?.toFixed(1)).join('/');
  const trip = minMs === undefined ? '' : `, round trip min/avg/max ${times} ms`;
  return line(0, 'PING', `${sent} sent, ${answered} answered, ${lost} % lost${trip}`);
}
