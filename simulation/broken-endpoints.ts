/**
 * Endpoints that do one thing wrong, and what the invariants say of each: one that none of them can break would be
 * worth nothing.
 */
import { latin1 } from '../src/sip/text.ts';
import {
  type Fault,
  inviteOnceMore,
  isEvent,
  isRequest,
  isStatus,
  messageOf,
  replacing,
  resent,
} from './broken.ts';

/** Each fault, at whose endpoint, and what the invariants say of it. */
export const BROKEN: readonly {
  readonly what: string;
  readonly at: 'echo' | 'phone' | 'registrar';
  readonly fault: Fault;
  readonly said: RegExp;
}[] = [
  {
    what: 'takes no notice of ACKs',
    at: 'echo',
    fault: { swallows: (input) => input.type === 'datagram' && latin1(input.bytes).startsWith('ACK ') },
    said: /200 repeated after its ACK/,
  },
  {
    what: 'forgets to close a port',
    at: 'echo',
    fault: {
      falsifies: (output) => (output.type === 'media' && output.command.type === 'close' ? [] : [output]),
    },
    said: /ports for \d+ calls/,
  },
  {
    what: 'gives two final responses',
    at: 'echo',
    fault: replacing(
      (output) => isStatus(output, 'INVITE', 200),
      (output, text) => [output, resent(output, text.replace('200 OK', '486 Busy Here'))],
    ),
    said: /486 to INVITE in \S+ after 200/,
  },
  {
    what: 'rings after it has answered',
    at: 'echo',
    fault: replacing(
      (output) => isStatus(output, 'INVITE', 200),
      (output, text) => [output, resent(output, text.replace('200 OK', '180 Ringing'))],
    ),
    said: /180 to INVITE in \S+ after 200/,
  },
  {
    what: 'answers what nobody asked',
    at: 'echo',
    fault: replacing(
      (output) => isStatus(output, 'INVITE', 200),
      (output, text) => [output, resent(output, text.replace(/branch=\w+/, 'branch=z9hG4bKother'))],
    ),
    said: /200 to a INVITE in \S+ that never came/,
  },
  {
    what: 'does not count CSeq up',
    at: 'phone',
    fault: replacing(
      (output) => isRequest(output, 'BYE'),
      (output, text) => [resent(output, text.replace(/CSeq: \d+/, 'CSeq: 1'))],
    ),
    said: /CSeq 1 BYE after \d/,
  },
  {
    what: 'changes a request when it sends it again',
    at: 'phone',
    fault: replacing(
      (output) => isRequest(output, 'BYE'),
      (output, text) => [output, resent(output, text.replace('Max-Forwards: 70', 'Max-Forwards: 69'))],
    ),
    said: /BYE is sent again and is another one/,
  },
  {
    what: 'sends again what was answered',
    at: 'phone',
    fault: inviteOnceMore(),
    said: /INVITE is sent again after its \d+/,
  },
  {
    what: 'acknowledges an INVITE that nobody accepted',
    at: 'phone',
    fault: replacing(
      (output) => isRequest(output, 'INVITE'),
      (output, text) => [
        output,
        resent(output, text.replaceAll('INVITE', 'ACK').replace(/branch=\w+/, 'branch=z9hG4bKnew')),
      ],
    ),
    said: /an ACK in \S+ to what was never accepted/,
  },
  {
    what: 'acknowledges a refusal before it comes',
    at: 'phone',
    fault: replacing(
      (output) => isRequest(output, 'INVITE'),
      (output, text) => [output, resent(output, text.replaceAll('INVITE', 'ACK'))],
    ),
    said: /an ACK to 0 by the INVITE's branch/,
  },
  {
    what: 'cancels before it has heard anything',
    at: 'phone',
    fault: replacing(
      (output) => isRequest(output, 'INVITE'),
      (output, text) => [output, resent(output, text.replaceAll('INVITE', 'CANCEL'))],
    ),
    said: /a CANCEL before any response/,
  },
  {
    what: 'goes on talking after BYE',
    at: 'phone',
    fault: replacing(
      (output) => isRequest(output, 'BYE'),
      (output, text) => [
        output,
        resent(
          output,
          text
            .replaceAll('BYE', 'INFO')
            .replace('z9hG4bK', 'z9hG4bKi')
            .replace(/CSeq: \d+/, 'CSeq: 99'),
        ),
      ],
    ),
    said: /INFO after BYE/,
  },
  {
    what: 'binds as many addresses as anybody likes',
    at: 'registrar',
    fault: replacing(
      (output) => isStatus(output, 'REGISTER', 200),
      (output, text) => [
        resent(
          output,
          text.replace('\r\nContact: ', `\r\n${'Contact: <sip:a@192.0.2.7>\r\n'.repeat(10)}Contact: `),
        ),
      ],
    ),
    said: /11 bindings of one address/,
  },
  {
    what: 'overlooks a deadline',
    at: 'echo',
    fault: { deadlineMs: (deadlineMs) => (deadlineMs === undefined ? undefined : deadlineMs - 40_000) },
    said: /deadline at -?\d+/,
  },
  {
    what: 'leaves a BYE unanswered',
    at: 'echo',
    fault: replacing(
      (output) => isStatus(output, 'BYE', 200),
      () => [],
    ),
    said: /BYE in \S+ was never answered/,
  },
  {
    what: 'does not acknowledge what was accepted',
    at: 'phone',
    fault: replacing(
      (output) => isRequest(output, 'ACK'),
      () => [],
    ),
    said: /the 2xx \S+ was never acknowledged/,
  },
  {
    what: 'ends a call twice',
    at: 'echo',
    fault: {
      falsifies: (output) => (isEvent(output, 'call.changed', 'terminated') ? [output, output] : [output]),
    },
    said: /goes on to terminated after its end/,
  },
  {
    what: 'never ends a call',
    at: 'phone',
    fault: { falsifies: (output) => (isEvent(output, 'call.changed', 'terminated') ? [] : [output]) },
    said: /is \w+ and has no end/,
  },
  {
    what: 'jumps over a state',
    at: 'phone',
    fault: { falsifies: (output) => (isEvent(output, 'call.changed', 'established') ? [] : [output]) },
    said: /is \w+ and goes on from established/,
  },
  {
    what: 'leaves a transaction open',
    at: 'phone',
    fault: {
      falsifies: (output) => (isEvent(output, 'transaction.changed', 'terminated') ? [] : [output]),
    },
    said: /transactions are alive and \d+ were told of/,
  },
  {
    what: 'sends a second INVITE before the first one is answered',
    at: 'phone',
    fault: {
      falsifies: (output) => {
        if (output.type !== 'event' || output.event.type !== 'transaction.changed') return [output];
        const { event } = output;
        return event.from === 'none' && event.kind === 'invite-client'
          ? [output, { type: 'event', event: { ...event, id: `${event.id}b` } }]
          : [output];
      },
    },
    said: /is a second INVITE in/,
  },
  {
    what: 'sends an INVITE while it answers one',
    at: 'echo',
    fault: replacing(
      (output) => isStatus(output, 'INVITE', 100) && messageOf(output)?.toTag !== '',
      (output) => {
        const { callId = '', fromTag = '', toTag = '' } = messageOf(output) ?? {};
        const head = `INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK-${fromTag}\r\nFrom: <sip:a>;tag=${toTag}`;
        const rest = `To: <sip:b>;tag=${fromTag}\r\nCall-ID: ${callId}\r\nCSeq: 900 INVITE\r\n\r\n`;
        return [output, resent(output, `${head}\r\n${rest}`)];
      },
    ),
    said: /an INVITE in \S+ while the peer's is being answered/,
  },
  {
    what: 'gives every session description one version',
    at: 'echo',
    fault: replacing(
      (output) => /\r\no=\S+ \d+ \d+/.test(messageOf(output)?.text ?? ''),
      (output, text) => [
        // As long as it was: Content-Length stands.
        resent(
          output,
          text.replace(/(\r\no=\S+ \d+ )(\d+)/, (_, head, version) => head + '5'.repeat(version.length)),
        ),
      ],
    ),
    said: /version 5\d* of the session of \S+ is another one/,
  },
];
