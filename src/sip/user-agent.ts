/**
 * What everything above the transaction layer shares: who we are, where we are reached, how a request is
 * answered and how one is sent. Calls, registrations and the registrar are users of it.
 */

import { createHash } from 'node:crypto';
import type { CoreHeaders } from './core-headers.ts';
import type { Account, EndpointConfig } from './endpoint-config.ts';
import { FailedServers } from './failed-servers.ts';
import { type Flow, formatAddress, type NextHop, type ServerHop } from './flow.ts';
import { Identifiers } from './identifiers.ts';
import { LargeRequests } from './large-request.ts';
import { firstValueEnd } from './list.ts';
import type { RouteTo } from './local-address.ts';
import { type SipRequest, value } from './message.ts';
import { OutboundFlows } from './outbound.ts';
import { OwnAddresses } from './own-address.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { newRequest, ownCore } from './requests.ts';
import { errorText, type SipError } from './result.ts';
import { noteSource, responseFlow } from './rport.ts';
import { type HeaderLine, type ResponseParts, responseBytes } from './serialize-message.ts';
import { type FoundServers, serverHops } from './server-location.ts';
import type { ClientTransaction, ServerTransaction } from './transaction.ts';
import type { TransactionUser } from './transaction-user.ts';
import { TransactionLayer } from './transactions.ts';
import { TransportLayer } from './transport-layer.ts';
import type { Turn } from './turn.ts';
import { parseVia, withMendedVia, withTopVia } from './via.ts';

/** The methods we serve (RFC 3261 §20.5). */
export const ALLOW = 'INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, NOTIFY, INFO, MESSAGE';
/** Option tags we understand (§20.37): RFC 3262, RFC 4028. */
export const SUPPORTED = '100rel, timer';
/** The body of an INVITE that we understand (§20.1). */
export const ACCEPT = 'application/sdp';

/** What a request of ours has beyond Via, Max-Forwards and User-Agent. */
export interface RequestParts {
  readonly method: string;
  readonly uri: string;
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  readonly sequence: number;
  readonly routes?: readonly string[];
  readonly headers?: readonly HeaderLine[];
  readonly body?: string;
}

/** One for an endpoint; it knows no call and no registration. */
export class UserAgent {
  /** Seeded anew by `reseed`. */
  identifiers: Identifiers;
  readonly transport: TransportLayer;
  readonly transactions: TransactionLayer<TransactionUser>;
  /** Where we are reached. */
  readonly own: OwnAddresses;
  /** The flows that registrars reach us on. */
  readonly outbound = new OutboundFlows();
  /** Those that are tried last. */
  readonly failed = new FailedServers();
  /** Those that take TCP for their size. */
  readonly large = new LargeRequests(this);
  /** As they are now: accounts come and go. */
  readonly accounts: Account[];
  /** No new calls: everything ends. */
  stopping = false;
  private handles = 0;
  private watched = false;

  /** `routeTo`: what the machine knows of its routes (local-address.ts). */
  constructor(
    readonly config: EndpointConfig,
    routeTo: RouteTo = () => undefined,
  ) {
    this.own = new OwnAddresses(config, routeTo);
    this.identifiers = new Identifiers(config.seed);
    this.accounts = [...config.accounts];
    this.transport = new TransportLayer(config.rawMessages, config.share);
    this.transactions = new TransactionLayer(this.transport, config.timers, config.liveTimers === true);
  }

  /** Events that nobody reads now. */
  get unwantedEvents(): EndpointConfig['unwantedEvents'] {
    return this.watched ? undefined : this.config.unwantedEvents;
  }

  /** Somebody watches, or nobody any more: then every event is made, with its message and the timers. */
  watch(on: boolean): void {
    this.watched = on;
    this.transport.rawMessages = on || this.config.rawMessages;
    this.transactions.liveTimers = on || this.config.liveTimers === true;
  }

  /** Our Contact (§8.1.1.8): the user, and `at`, where the peer reaches us; `secure` for `sips:` (sips.ts). */
  contact(
    flow: Flow,
    user: string | undefined,
    secure = false,
    at = formatAddress(this.own.contactAt(flow)),
  ): string {
    const name = user === undefined || user === '' ? '' : `${user}@`;
    // Over anything but TLS we could not be reached by it.
    if (secure && flow.transport === 'tls') return `<sips:${name}${at}>`;
    const transport = flow.transport === 'udp' ? '' : `;transport=${flow.transport}`;
    return `<sip:${name}${at}${transport}>`;
  }

  /** The same in what makes a dialog, or changes one (RFC 5626 §4.3). */
  dialogContact(flow: Flow, user: string | undefined, secure = false, at?: string): string {
    return this.outbound.dialogContact(this.contact(flow, user, secure, at), flow);
  }

  /**
   * Identifiers as of a fresh start with that seed; handles too, when no call has one. Beside calls that stand, how
   * many there were counts as well: a branch is unique in space and time (RFC 3261 §8.1.1.7).
   */
  reseed([a, b, c, counter]: EndpointConfig['seed'], calls: number): void {
    if (calls === 0) this.handles = 0;
    this.identifiers = new Identifiers([a, b, c, (counter + this.handles) | 0]);
  }

  /** A number for the next call, and the handle that names it. */
  newHandle(from: string, to: string): string {
    this.handles += 1;
    return `call-${from}-${to}-${String(this.handles).padStart(3, '0')}`;
  }

  /** Answers within a transaction. */
  respond(turn: Turn, transaction: ServerTransaction, status: number, parts: ResponseParts = {}): void {
    const bytes = responseBytes(transaction.request, status, parts, this.config.product);
    this.transactions.respond(turn, transaction, status, bytes);
  }

  /** Answers without a transaction: what could not be parsed, or is one too many (§8.2.7). */
  respondStateless(
    turn: Turn,
    request: SipRequest,
    flow: Flow,
    about: { readonly callId: string; readonly cseq: string; readonly branch: string | undefined },
    status: number,
    parts: ResponseParts = {},
  ): void {
    const tagged = { toTag: statelessTag(about), ...parts };
    const bytes = responseBytes(request, status, tagged, this.config.product);
    this.transport.transmit(turn, flow, { bytes, ...about }, undefined);
  }

  /** Refuses a request that could not be read whole. False when not even its Via could, or when it is an ACK. */
  respondMalformed(turn: Turn, request: SipRequest, flow: Flow, error: SipError): boolean {
    if (request.method === 'ACK') return false;
    const top = value(request, 'Via') ?? '';
    const parsed = parseVia(top.slice(0, firstValueEnd(top)));
    const known = parsed.ok ? { request, via: parsed.value } : withMendedVia(request);
    if (known === undefined) return false;
    const about = {
      callId: value(request, 'Call-ID') ?? '',
      cseq: value(request, 'CSeq') ?? '',
      branch: known.via.branch,
    };
    const noted = withTopVia(known.request, noteSource(known.via, flow.remote));
    // A reason line of our own says what a log on the other side should show.
    const reason = `${reasonPhrase(error.status)} (${errorText(error)})`;
    this.respondStateless(turn, noted, responseFlow(known.via, flow), about, error.status, { reason });
    return true;
  }

  /** Where to send, in order (RFC 3263 §4.2, §4.3): the weights are drawn, and what failed of late stands last. */
  serversOf(turn: Turn, hop: NextHop, found: FoundServers): readonly ServerHop[] {
    const drawn = serverHops(hop, found, () => this.identifiers.fraction());
    return this.failed.order(drawn, turn.nowMs);
  }

  /** Sends a request in a client transaction of its own. */
  request(
    turn: Turn,
    parts: RequestParts,
    flow: Flow,
    user: TransactionUser,
    call?: string,
  ): ClientTransaction<TransactionUser> {
    return this.large.open(turn, this.newRequest(parts, flow), flow, user, call);
  }

  /** A request with our Via on top; sent by `request`, or without a transaction (the ACK to a 2xx). */
  newRequest(parts: RequestParts, flow: Flow): { readonly request: SipRequest; readonly core: CoreHeaders } {
    const { routes = [], headers = [], body, ...rest } = parts;
    const request = newRequest({
      ...rest,
      via: this.via(flow, this.identifiers.branch()),
      routes,
      headers: [['User-Agent', this.config.product], ...headers],
      ...(body === undefined ? undefined : { body }),
    });
    return { request, core: ownCore(request) };
  }

  /** The account that a request for that user is for, when we have one. */
  accountFor(user: string | undefined): Account | undefined {
    const { accounts } = this;
    return (
      accounts.find((account) => account.user === user) ?? (accounts.length === 1 ? accounts[0] : undefined)
    );
  }

  /** Where requests of that account go first: what was asked for, else the account's own, else the one of all. */
  proxyFor(account: Account | undefined, asked?: Account['proxy']): Account['proxy'] {
    return asked ?? account?.proxy ?? this.config.proxy;
  }

  /** Our Via for a request on that flow (§18.1.1, RFC 3581 §3). */
  via(flow: Flow, branch: string): string {
    return `SIP/2.0/${flow.transport.toUpperCase()} ${this.sentBy(flow)};rport;branch=${branch}`;
  }

  /** §18.1.1: where responses and requests can reach us. */
  sentBy(flow: Flow): string {
    return formatAddress(this.own.sentBy(flow));
  }
}

/** The To tag of an answer that nobody remembers: a retransmission must get the same one (§8.2.7). */
function statelessTag(about: {
  readonly callId: string;
  readonly cseq: string;
  readonly branch: string | undefined;
}): string {
  const { callId, cseq, branch = '' } = about;
  return createHash('sha256').update(`${callId}|${cseq}|${branch}`, 'latin1').digest('hex').slice(0, 16);
}
