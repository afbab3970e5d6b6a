/**
 * What must hold of every endpoint after every step, whatever was lost, doubled, overtaken or aborted. Each has the
 * section that asks for it, and says what is wrong, or nothing.
 *
 * The first two lists judge a message before it is noted in its sender's record, the third what an endpoint says, the
 * fourth the endpoint after its turn. All of them look at what changed and at nothing else. What holds at rest is in
 * rest.ts.
 */
import type { EventOf } from '../src/events.ts';
import { MAX_BINDINGS } from '../src/sip/limits.ts';
import {
  acceptanceKey,
  descriptionOf,
  descriptionsBefore,
  dialogKey,
  type NodeRecord,
  transactionKey,
} from './node-record.ts';
import { countFields, type WireMessage } from './wire-message.ts';

/** What is wrong; undefined when nothing is. */
type Fault = string | undefined;
type OfMessage = (record: NodeRecord, message: WireMessage) => Fault;

/** §17.1.1.2, §17.1.2.2: a retransmission is the same bytes. */
export function requestRepeatedUnchanged({ sent }: NodeRecord, message: WireMessage): Fault {
  const { method, toTag, text } = message;
  const before = sent.get(transactionKey(message))?.message;
  // An ACK has the tag of what it answers (§17.1.1.3), and a server that was started anew has a tag of its own.
  if (before === undefined || (method === 'ACK' && before.toTag !== toTag)) return undefined;
  return before.text === text ? undefined : `${method} is sent again and is another one`;
}

/** §17.1.1.2, §17.1.2.2: nothing is sent again once it has its final response, an INVITE once it has any. */
export function silentOnceAnswered({ sent }: NodeRecord, message: WireMessage): Fault {
  const { method, callId } = message;
  const before = method === 'ACK' ? undefined : sent.get(transactionKey(message));
  if (before === undefined) return undefined;
  if (before.final > 0) return `${method} is sent again after its ${before.final} in ${callId}`;
  return method === 'INVITE' && before.provisional
    ? `INVITE is sent again after a response in ${callId}`
    : undefined;
}

/**
 * §12.2.1.1, §10.2: CSeq rises with every request of ours in a dialog, and with every try outside of one, but for the
 * same request to the next address of a server (RFC 3263 §4.3).
 */
export function sequenceRises({ sent, last, forwards }: NodeRecord, message: WireMessage): Fault {
  const { method, number, callId, fromTag, toTag } = message;
  if (forwards || method === 'ACK' || method === 'CANCEL' || sent.has(transactionKey(message))) {
    return undefined;
  }
  const outside = last.get(`${callId}|${fromTag}|`);
  const within = toTag === '' ? undefined : last.get(`${callId}|${fromTag}|${toTag}`);
  const before = Math.max(outside?.number ?? 0, within?.number ?? 0);
  if (number > before || (toTag === '' && outside !== undefined && isSameElsewhere(outside, message))) {
    return undefined;
  }
  return `CSeq ${number} ${method} after ${before} in ${callId}`;
}

/** But for the branch, and for the nonce count, which rises with every request (RFC 7616 §3.4). */
function isSameElsewhere(before: WireMessage, message: WireMessage): boolean {
  // What speaks of the flow that it takes is another on another flow (RFC 5626 §4.3).
  const rest = ({ text }: WireMessage) =>
    text
      .replaceAll(/^(?:Via|(?:Proxy-)?Authorization): .*\r\n/gm, '')
      .replaceAll(/(?<=^(?:Contact|Supported): .*)(?:;ob|, outbound)/gm, '');
  return rest(before) === rest(message);
}

/** §13.2.2.4, §17.1.1.3: an ACK answers a final response; with the INVITE's branch a refusal, with its own a 2xx. */
export function ackAnswersFinal({ sent, acceptances, forwards }: NodeRecord, message: WireMessage): Fault {
  if (forwards || message.method !== 'ACK') return undefined;
  const { branch, callId, number, toTag } = message;
  const invite = sent.get(`${branch}|INVITE`);
  if (invite !== undefined) {
    return invite.final >= 300 ? undefined : `an ACK to ${invite.final} by the INVITE's branch in ${callId}`;
  }
  return acceptances.has(`${callId}|${number}|${toTag}`)
    ? undefined
    : `an ACK in ${callId} to what was never accepted`;
}

/** §9.1: a CANCEL takes back an INVITE that has a provisional response and no final one. */
export function cancelHasTarget({ sent, forwards }: NodeRecord, message: WireMessage): Fault {
  if (message.method !== 'CANCEL' || sent.has(transactionKey(message))) return undefined;
  const invite = sent.get(`${message.branch}|INVITE`);
  if (invite === undefined) return `a CANCEL of no INVITE in ${message.callId}`;
  if (!invite.provisional) return `a CANCEL before any response in ${message.callId}`;
  // A proxy may hear the final response of one branch while it gives up the other.
  return invite.final === 0 || forwards ? undefined : `a CANCEL after ${invite.final} in ${message.callId}`;
}

/**
 * §15: a dialog that a BYE has ended carries no new request, but for our BYE that crossed the peer's, and the one with
 * the credentials that a proxy asked for (§22.3): after a restart it does not know the dialog any more. What waited
 * for its stream was begun before.
 */
export function nothingAfterBye(record: NodeRecord, message: WireMessage): Fault {
  const { sent, over, ending, forwards, sendsWaiting } = record;
  const { method, toTag, callId } = message;
  if (forwards || sendsWaiting || method === 'ACK' || toTag === '' || sent.has(transactionKey(message)))
    return undefined;
  const key = dialogKey(message);
  if (!over.has(key)) return undefined;
  if (method === 'BYE' && (ending.has(key) || wasChallenged(record, message))) return undefined;
  return `${method} after BYE in ${callId}`;
}

/** Whether the request of the dialog before this one was answered with a challenge. */
function wasChallenged({ sent, last }: NodeRecord, { callId, fromTag, toTag }: WireMessage): boolean {
  const before = last.get(`${callId}|${fromTag}|${toTag}`);
  const final = before === undefined ? 0 : sent.get(transactionKey(before))?.final;
  return before?.method === 'BYE' && (final === 401 || final === 407);
}

/** §14.1: no INVITE in a dialog while one of the peer is being answered, or waits for its ACK. */
export function inviteWaitsForPeers({ sent, reinvites, forwards }: NodeRecord, message: WireMessage): Fault {
  const { method, toTag, callId } = message;
  if (forwards || method !== 'INVITE' || toTag === '' || sent.has(transactionKey(message))) return undefined;
  const theirs = reinvites.get(dialogKey(message));
  return theirs !== undefined && theirs.final === undefined
    ? `an INVITE in ${callId} while the peer's is being answered`
    : undefined;
}

/**
 * RFC 3264 §8: a description that is another one counts the version up by one, and a version is one description. One
 * that waited for a stream that never came up has counted as well, and one whose stream comes up late may be overtaken.
 */
export function descriptionCounted(record: NodeRecord, message: WireMessage): Fault {
  const description = record.forwards || record.sendsWaiting ? undefined : descriptionOf(message);
  if (description === undefined) return undefined;
  const { callId } = message;
  const before = descriptionsBefore(record, message);
  const last = before.at(-1);
  if (last === undefined) return undefined;
  const { id, version, rest } = description;
  if (last.id !== id) return `the session of ${callId} has another name`;
  const known = before.find((one) => one.version === version);
  if (known !== undefined) {
    return known.rest === rest ? undefined : `version ${version} of the session of ${callId} is another one`;
  }
  const unsent = record.callOf.get(callId)?.unsent ?? 0;
  return version > last.version && version <= last.version + 1 + unsent
    ? undefined
    : `the session of ${callId} goes from version ${last.version} to ${version}`;
}

/** §8.2.6: a response has a request that came, and its Call-ID and CSeq. */
export function responseAnswersRequest({ heard }: NodeRecord, message: WireMessage): Fault {
  const { status, method, callId, number } = message;
  const request = heard.get(transactionKey(message))?.message;
  return request?.callId === callId && request.number === number
    ? undefined
    : `${status} to a ${method} in ${callId} that never came`;
}

/** §17.2.1, §17.2.2: one final response a transaction, and its retransmissions are the same bytes. */
export function oneFinalResponse({ heard, forwards }: NodeRecord, message: WireMessage): Fault {
  const { status, method, callId } = message;
  // §16.7 no. 5: a proxy passes on every 2xx to an INVITE.
  if (status < 200 || (forwards && method === 'INVITE' && status < 300)) return undefined;
  const before = heard.get(transactionKey(message))?.final;
  if (before === undefined || before.text === message.text) return undefined;
  return `${status} to ${method} in ${callId} after ${before.status}`;
}

/** §17.2.1, §17.2.2: no provisional response after the final one. */
export function provisionalBeforeFinal({ heard }: NodeRecord, message: WireMessage): Fault {
  const before = heard.get(transactionKey(message))?.final;
  if (message.status >= 200 || before === undefined) return undefined;
  return `${message.status} to ${message.method} in ${message.callId} after ${before.status}`;
}

/** §13.3.1.4: a 2xx is repeated until its ACK comes, and not once more. */
export function okUntilAcknowledged(
  { accepted, forwards, sendsWaiting }: NodeRecord,
  message: WireMessage,
): Fault {
  const { status, method, callId } = message;
  if (forwards || sendsWaiting || method !== 'INVITE' || status < 200 || status >= 300) return undefined;
  return accepted.get(acceptanceKey(message))?.acknowledged === true
    ? `${status} repeated after its ACK in ${callId}`
    : undefined;
}

/** §10.3: a registrar keeps so many bindings of one address and no more. */
export function bindingsBounded(_: NodeRecord, message: WireMessage): Fault {
  if (message.method !== 'REGISTER' || message.status !== 200) return undefined;
  const bindings = countFields(message, 'Contact');
  return bindings <= MAX_BINDINGS ? undefined : `${bindings} bindings of one address`;
}

/** A call goes from where it is to somewhere else, and from its end nowhere. */
export function callMovesOn(record: NodeRecord, event: EventOf<'call.changed'>): Fault {
  const before = record.calls.get(event.call)?.state ?? 'idle';
  if (before === 'terminated') return `${event.call} goes on to ${event.to} after its end`;
  return before === event.from ? undefined : `${event.call} is ${before} and goes on from ${event.from}`;
}

/** §14.1: one INVITE of ours at a time in a call. */
export function oneInviteAtATime({ transactions }: NodeRecord, event: EventOf<'transaction.changed'>): Fault {
  const { call, kind, from, id } = event;
  if (kind !== 'invite-client' || from !== 'none' || call === undefined) return undefined;
  for (const other of transactions.values()) {
    const open = other.state === 'calling' || other.state === 'proceeding';
    if (open && other.kind === kind && other.call === call) return `${id} is a second INVITE in ${call}`;
  }
  return undefined;
}

/** A deadline that has passed was overlooked. */
export function deadlineAhead({ node }: NodeRecord, nowMs: number): Fault {
  const deadlineMs = node.actor.deadlineMs();
  return deadlineMs === undefined || deadlineMs > nowMs ? undefined : `a deadline at ${deadlineMs} is over`;
}

/** Transactions are told of from their beginning to their end (§17). */
export function transactionsTold({ node, transactions }: NodeRecord): Fault {
  const { transactions: alive } = node.endpoint.alive;
  if (alive === transactions.size || node.stopped !== undefined) return undefined;
  return `${alive} transactions are alive and ${transactions.size} were told of`;
}

/** A port belongs to a call. */
export function portsHaveCalls({ node }: NodeRecord): Fault {
  const { calls } = node.endpoint.alive;
  return node.media.open.size <= calls ? undefined : `${node.media.open.size} ports for ${calls} calls`;
}

export const OF_REQUESTS_SENT: readonly OfMessage[] = [
  requestRepeatedUnchanged,
  silentOnceAnswered,
  sequenceRises,
  ackAnswersFinal,
  cancelHasTarget,
  nothingAfterBye,
  inviteWaitsForPeers,
  descriptionCounted,
];

export const OF_RESPONSES_SENT: readonly OfMessage[] = [
  responseAnswersRequest,
  oneFinalResponse,
  provisionalBeforeFinal,
  okUntilAcknowledged,
  bindingsBounded,
  descriptionCounted,
];

export const OF_CALLS: readonly ((record: NodeRecord, event: EventOf<'call.changed'>) => Fault)[] = [
  callMovesOn,
];

export const OF_TRANSACTIONS: readonly ((
  record: NodeRecord,
  event: EventOf<'transaction.changed'>,
) => Fault)[] = [oneInviteAtATime];

export const OF_ENDPOINTS: readonly ((record: NodeRecord, nowMs: number) => Fault)[] = [
  deadlineAhead,
  transactionsTold,
  portsHaveCalls,
];
