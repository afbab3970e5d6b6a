/**
 * Requests that ringback makes up (RFC 3261 §8.1.1), and the two that are made from another request: the ACK to
 * a non-2xx (§17.1.1.3) and the CANCEL (§9.1).
 */
import { type CoreHeaders, readCoreHeaders } from './core-headers.ts';
import { NO_BODY, type SipRequest, type SipResponse, value } from './message.ts';
import { buildRequest, type HeaderLine } from './serialize-message.ts';

/** What a request needs that is not the same in every one of ours. */
export interface NewRequest {
  readonly method: string;
  readonly uri: string;
  /** The whole top Via value, with a branch of our own. */
  readonly via: string;
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  readonly sequence: number;
  readonly routes: readonly string[];
  /** After the mandatory ones: Contact, Expires, Authorization, Content-Type. */
  readonly headers: readonly HeaderLine[];
  readonly body?: string;
}

/** §8.1.1.6: a message that has passed so many hops is lost. */
const MAX_FORWARDS = '70';

/** Builds it, with Max-Forwards 70. */
export function newRequest(about: NewRequest): SipRequest {
  const headers: HeaderLine[] = [
    ['Via', about.via],
    ...about.routes.map((route): HeaderLine => ['Route', route]),
    ['Max-Forwards', MAX_FORWARDS],
    ['From', about.from],
    ['To', about.to],
    ['Call-ID', about.callId],
    ['CSeq', `${about.sequence} ${about.method}`],
    ...about.headers,
  ];
  return buildRequest({ method: about.method, uri: about.uri, headers, body: about.body ?? NO_BODY });
}

/** The ACK that a transaction sends to a 3xx–6xx: one Via, the same branch and Route, To of the response. */
export function ackForRejected(invite: SipRequest, response: SipResponse): SipRequest {
  return copied(invite, 'ACK', value(response, 'To') ?? '');
}

/** The CANCEL of an INVITE that has a provisional response: everything as in the INVITE (§9.1), and why it is taken back. */
export function cancelFor(invite: SipRequest, reason: readonly HeaderLine[] = []): SipRequest {
  return copied(invite, 'CANCEL', value(invite, 'To') ?? '', reason);
}

function copied(
  invite: SipRequest,
  method: string,
  to: string,
  more: readonly HeaderLine[] = [],
): SipRequest {
  const headers: HeaderLine[] = [['Via', value(invite, 'Via') ?? '']];
  for (const header of invite.headers) if (header.name === 'Route') headers.push(['Route', header.value]);
  headers.push(
    ['Max-Forwards', MAX_FORWARDS],
    ['From', value(invite, 'From') ?? ''],
    ['To', to],
    ['Call-ID', value(invite, 'Call-ID') ?? ''],
    ['CSeq', (value(invite, 'CSeq') ?? '').replace(/[A-Z]+$/, method)],
    ...more,
  );
  return buildRequest({ method, uri: invite.uri, headers, body: NO_BODY });
}

/** The core headers of a request of ours, which are right because we wrote them. */
export function ownCore(request: SipRequest): CoreHeaders {
  const core = readCoreHeaders(request);
  if (!core.ok) throw new Error(`a request of our own is malformed: ${core.error.detail}`);
  return core.value;
}
