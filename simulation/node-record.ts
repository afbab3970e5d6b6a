/**
 * What one endpoint has sent, heard and said since it was started: as much of it as the invariants judge by.
 *
 * An endpoint that is started anew at the same address has a record of its own: it knows nothing of before, and is
 * held to nothing of before.
 */
import type { EventBody } from '../src/events.ts';
import type { VirtualEndpoint } from '../src/io/virtual.ts';
import type { WireMessage } from './wire-message.ts';

/** A request that it sent. */
export interface SentRequest {
  readonly message: WireMessage;
  /** A 1xx came for it. */
  provisional: boolean;
  /** The first final status that came for it; 0 until then. */
  final: number;
}

/** A request that it heard. */
export interface HeardRequest {
  readonly message: WireMessage;
  /** The final response that it gave. */
  final: WireMessage | undefined;
  /** The ACK came. */
  acknowledged: boolean;
  /** It came in a datagram: no stream can break under its answer. */
  readonly datagram: boolean;
}

/** A call as its endpoint tells of it. */
export interface CallRecord {
  readonly handle: string;
  readonly callId: string;
  readonly direction: 'incoming' | 'outgoing';
  state: string;
  /** States that it has been in. */
  readonly been: Set<string>;
  /** Offers of it whose transaction failed at once: their stream never came up, and nobody saw them. */
  unsent: number;
  reason: string | undefined;
}

/** A transaction as its endpoint tells of it. */
export interface TransactionRecord {
  readonly method: string;
  readonly kind: string;
  readonly call: string | undefined;
  state: string;
}

/** What a session description says of itself in its o= line (RFC 4566 §5.2), and the rest of it. */
export interface Description {
  readonly id: string;
  readonly version: number;
  readonly rest: string;
}

export interface NodeRecord {
  readonly node: VirtualEndpoint;
  /** Forwards requests of others, whose numbers and order are not its own. */
  readonly forwards: boolean;
  /** What it sends in this turn waited for a stream to come up. */
  sendsWaiting: boolean;
  /** By branch and method. */
  readonly sent: Map<string, SentRequest>;
  readonly heard: Map<string, HeardRequest>;
  /** The CSeq numbers of the INVITEs outside a dialog that it heard, by Call-ID: one more is another try (§8.1.3.5). */
  readonly invites: Map<string, Set<number>>;
  /** The last INVITE of the peer, by dialog. */
  readonly reinvites: Map<string, HeardRequest>;
  /** The session descriptions that it sent, by dialog; the offer of an INVITE that may fork is of each. */
  readonly descriptions: Map<string, readonly Description[]>;
  /** INVITEs that it accepted, by what their ACK has in common with them. */
  readonly accepted: Map<string, HeardRequest>;
  /**
   * Every 2xx to an INVITE that it heard, by Call-ID, CSeq number and To tag: its ACK is owed, or sent, or the INVITE
   * was given up or answered before and it may be nobody's.
   */
  readonly acceptances: Map<string, 'owed' | 'sent' | 'stray'>;
  /** Call-IDs in which it sent an ACK to a 2xx. */
  readonly acknowledged: Set<string>;
  /** The request that it sent last, by Call-ID, From tag and To tag. */
  readonly last: Map<string, WireMessage>;
  /** Dialogs that a BYE has ended, one of its own or one that it accepted. */
  readonly over: Set<string>;
  /**
   * Dialogs that it has decided to end, while they stood. Its BYE may leave later, when a stream is up for it, and so
   * after it took the peer's.
   */
  readonly ending: Set<string>;
  /** Call-IDs in which it sent a BYE. */
  readonly byes: Set<string>;
  /** By handle. */
  readonly calls: Map<string, CallRecord>;
  /** By Call-ID, the last one. */
  readonly callOf: Map<string, CallRecord>;
  /** The call that it told of first last. */
  newest: CallRecord | undefined;
  /** Transactions that it told of and that have not ended, by id. */
  readonly transactions: Map<string, TransactionRecord>;
  /** How many pings it was asked for, and how many it has told the outcome of. */
  pingsAsked: number;
  pingsTold: number;
  portsOpened: number;
  portsClosed: number;
}

export function newRecord(node: VirtualEndpoint, forwards: boolean): NodeRecord {
  return {
    node,
    forwards,
    sendsWaiting: false,
    sent: new Map(),
    heard: new Map(),
    invites: new Map(),
    reinvites: new Map(),
    descriptions: new Map(),
    accepted: new Map(),
    acceptances: new Map(),
    acknowledged: new Set(),
    last: new Map(),
    over: new Set(),
    ending: new Set(),
    byes: new Set(),
    calls: new Map(),
    callOf: new Map(),
    newest: undefined,
    transactions: new Map(),
    pingsAsked: 0,
    pingsTold: 0,
    portsOpened: 0,
    portsClosed: 0,
  };
}

/** Which transaction a message is of (§17.1.3, §17.2.3). */
export function transactionKey({ branch, method }: WireMessage): string {
  return `${branch}|${method}`;
}

/** What an ACK to a 2xx has in common with its INVITE (§13.2.2.4). */
export function acceptanceKey({ callId, number, fromTag }: WireMessage): string {
  return `${callId}|${number}|${fromTag}`;
}

/**
 * The dialog of a message, from the side that sends it (§12): a request of ours has our tag in From, a response of ours
 * to the peer's has it in To. Somebody who calls himself has two.
 */
export function dialogKey({ status, callId, fromTag, toTag }: WireMessage): string {
  return status === 0 ? `${callId}|${fromTag}|${toTag}` : `${callId}|${toTag}|${fromTag}`;
}

/** The session description of a message; undefined when it carries none. */
export function descriptionOf({ text }: WireMessage): Description | undefined {
  const start = text.indexOf('\r\n\r\nv=0\r\no=');
  if (start === -1) return undefined;
  const from = start + 11;
  const end = text.indexOf('\r\n', from);
  const [, id = '', version = ''] = text.slice(from, end).split(' ');
  return { id, version: Number(version), rest: text.slice(end) };
}

/** What it sent before in the dialog of a message, in order. */
export function descriptionsBefore(
  { descriptions }: NodeRecord,
  message: WireMessage,
): readonly Description[] {
  const { status, callId, fromTag } = message;
  const offered = status === 0 ? descriptions.get(`${callId}|${fromTag}|`) : undefined;
  return descriptions.get(dialogKey(message)) ?? offered ?? [];
}

/** Notes a message that reached the endpoint. */
export function noteHeard(record: NodeRecord, message: WireMessage, datagram = true): void {
  const { status, method, callId, number, fromTag, toTag } = message;
  if (status === 0) {
    if (method === 'ACK') {
      const accepted = record.accepted.get(acceptanceKey(message));
      if (accepted?.final?.toTag === toTag) accepted.acknowledged = true;
      return;
    }
    if (method === 'INVITE' && toTag === '') {
      const numbers = record.invites.get(callId);
      if (numbers === undefined) record.invites.set(callId, new Set([number]));
      else numbers.add(number);
    }
    const key = transactionKey(message);
    if (record.heard.has(key)) return;
    const request = { message, final: undefined, acknowledged: false, datagram };
    record.heard.set(key, request);
    if (method === 'INVITE') record.reinvites.set(`${callId}|${toTag}|${fromTag}`, request);
    return;
  }
  const request = record.sent.get(transactionKey(message));
  if (request === undefined) return;
  if (status < 200) request.provisional = true;
  else if (request.final === 0) request.final = status;
  if (method === 'INVITE' && status >= 200 && status < 300) {
    const key = `${callId}|${number}|${toTag}`;
    record.acceptances.set(
      key,
      record.acceptances.get(key) ?? (hasInviteOut(record, callId) ? 'owed' : 'stray'),
    );
  }
}

function hasInviteOut({ callOf, transactions }: NodeRecord, callId: string): boolean {
  const handle = callOf.get(callId)?.handle;
  for (const { kind, call, state } of transactions.values()) {
    const waits = state === 'calling' || state === 'proceeding';
    if (kind === 'invite-client' && call === handle && waits) return true;
  }
  return false;
}

/** Notes a message that the endpoint sent, once it was judged. */
export function noteSent(record: NodeRecord, message: WireMessage): void {
  const { status, method, callId, number, fromTag, toTag } = message;
  const key = transactionKey(message);
  const description = descriptionOf(message);
  if (description !== undefined) {
    const before = descriptionsBefore(record, message);
    if (!before.some(({ version }) => version === description.version)) {
      const all = [...before, description].sort((one, other) => one.version - other.version);
      record.descriptions.set(dialogKey(message), all);
    }
  }
  if (status === 0) {
    if (!record.sent.has(key)) record.sent.set(key, { message, provisional: false, final: 0 });
    if (method === 'BYE') {
      record.over.add(dialogKey(message));
      record.ending.delete(dialogKey(message));
      record.byes.add(callId);
    }
    if (method === 'ACK') {
      if (record.sent.has(`${message.branch}|INVITE`)) return;
      record.acknowledged.add(callId);
      record.acceptances.set(`${callId}|${number}|${toTag}`, 'sent');
    } else if (method !== 'CANCEL') record.last.set(`${callId}|${fromTag}|${toTag}`, message);
    return;
  }
  const request = record.heard.get(key);
  if (request === undefined || status < 200) return;
  request.final ??= message;
  if (status >= 300) return;
  if (method === 'INVITE') record.accepted.set(acceptanceKey(message), request);
  if (method === 'BYE') record.over.add(dialogKey(message));
}

/** Notes what the endpoint says. */
export function noteEvent(record: NodeRecord, event: EventBody): void {
  if (event.type === 'transaction.changed') {
    if (event.to === 'terminated') {
      record.transactions.delete(event.id);
      const call = record.calls.get(event.call ?? '');
      const offers = event.method === 'INVITE' || event.method === 'UPDATE';
      if (offers && call !== undefined && (event.from === 'calling' || event.from === 'trying'))
        call.unsent += 1;
    } else {
      const { id, method, kind, call, to: state } = event;
      record.transactions.set(id, { method, kind, call, state });
    }
  } else if (event.type === 'ping.answered') record.pingsTold += 1;
  else if (event.type === 'dialog.changed') {
    if (event.cause !== 'BYE sent') return;
    const key = `${event.callId}|${event.localTag}|${event.remoteTag ?? ''}`;
    if (!record.over.has(key)) record.ending.add(key);
  } else if (event.type === 'call.changed') {
    const { call: handle, callId, direction, to, reason } = event;
    let call = record.calls.get(handle);
    if (call === undefined) {
      call = { handle, callId, direction, state: to, been: new Set(), unsent: 0, reason };
      record.calls.set(handle, call);
      record.callOf.set(callId, call);
      record.newest = call;
    }
    call.state = to;
    call.reason = reason;
    call.been.add(to);
  }
}
