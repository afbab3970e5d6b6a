/**
 * A small registrar for the lab (RFC 3261 §10.3, RFC 3327, RFC 5626 §6), with digest authentication. What it learns stands in the
 * location service, where the proxy finds it.
 */
import { type Contact, parseContacts } from './contact.ts';
import { reachOfContact } from './contact-reach.ts';
import type { CoreHeaders } from './core-headers.ts';
import type { Flow } from './flow.ts';
import { MAX_BINDINGS } from './limits.ts';
import { allValues } from './list.ts';
import { type Binding, type LocationService, sameUri, secondsLeft } from './location-service.ts';
import { type SipRequest, value } from './message.ts';
import { type FlowBinding, flowBinding, flowParams, isSameFlow } from './outbound-binding.ts';
import type { OwnDomain } from './own-domain.ts';
import { readPath } from './path.ts';
import type { Realm } from './realm.ts';
import { ownTag, refuse } from './refusal.ts';
import { ok, type Result, type SipError, sipError } from './result.ts';
import type { HeaderLine } from './serialize-message.ts';
import { readDigits } from './text.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { parseUri, serializeUri, unescapeUri } from './uri.ts';
import type { UserAgent } from './user-agent.ts';

/** What a REGISTER without expiry gets, and the least and the most that is given, in seconds. */
const DEFAULT_EXPIRES_S = 3_600;
const LEAST_EXPIRES_S = 10;
const MOST_EXPIRES_S = 7_200;

/** Takes the REGISTERs of the domain (§10.3). */
export class Registrar {
  constructor(
    private readonly agent: UserAgent,
    private readonly realm: Realm,
    private readonly own: OwnDomain,
    private readonly location: LocationService,
  ) {}

  /** Serves a REGISTER. */
  register(turn: Turn, transaction: ServerTransaction): void {
    const { request, core } = transaction;
    const required = unknownExtensions(request);
    if (required !== undefined) {
      const error = sipError('extension-unsupported', 420, `Require asks for ${required}`);
      return refuse(this.agent, turn, transaction, error, { headers: [['Unsupported', required]] });
    }
    const addressOfRecord = parseUri(core.to.uri);
    if (!addressOfRecord.ok || addressOfRecord.value.kind !== 'sip') {
      // §10.3 step 5, RFC 4475 §3.3.4: no registrar has a user of another scheme.
      const error = sipError('address-malformed', 400, 'an address of record is a SIP URI');
      return refuse(this.agent, turn, transaction, { ...error, header: 'To' });
    }
    const user = this.realm.authenticate(turn, transaction, 'registrar');
    if (user === undefined) return;
    const misdirected = this.misdirected(request.uri);
    if (misdirected !== undefined) return refuse(this.agent, turn, transaction, misdirected);
    const named = addressOfRecord.value.user;
    if (named === undefined || unescapeUri(named) !== user) {
      const error = sipError('not-your-address', 403, `${user} may not register ${named ?? 'that'}`);
      return refuse(this.agent, turn, transaction, error);
    }
    const path = readPath(request);
    const changed = path.ok ? this.change(turn, user, transaction, path.value) : path;
    if (!changed.ok) return this.refuse(turn, transaction, changed.error);
    const flows = changed.value.some((binding) => binding.callId === core.callId && binding.registered);
    const contacts = changed.value.map((binding): HeaderLine => {
      const q = binding.q === 1 ? '' : `;q=${binding.q}`;
      const expires = secondsLeft(binding, turn.nowMs);
      return ['Contact', `<${binding.uri}>;expires=${expires}${q}${flowParams(binding.registered)}`];
    });
    const paths = path.ok ? path.value.map((text): HeaderLine => ['Path', text]) : [];
    this.agent.respond(turn, transaction, 200, {
      ...ownTag(this.agent, core),
      headers: [...contacts, ...paths, ...(flows ? OUTBOUND : [])],
    });
  }

  /** §10.3 step 1. A proxy would pass it on; here it is nearly always a phone with a wrong domain, and 404 says so. */
  private misdirected(text: string): SipError | undefined {
    const uri = parseUri(text);
    if (uri.ok && uri.value.kind === 'sip' && this.own.isOurs(uri.value)) return undefined;
    const named = uri.ok && uri.value.kind === 'sip' ? uri.value.host : 'that';
    return sipError('domain-unknown', 404, `this is the registrar of ${this.realm.name}, not of ${named}`);
  }

  private refuse(turn: Turn, transaction: ServerTransaction, error: SipError): void {
    const headers: HeaderLine[] = [];
    if (error.status === 423) headers.push(['Min-Expires', String(LEAST_EXPIRES_S)]);
    if (error.status === 420) headers.push(['Unsupported', 'path']);
    refuse(this.agent, turn, transaction, error, { headers });
  }

  /** What is bound now, after all Contacts of a request were, or none (§10.3 steps 6 and 7). */
  private change(
    turn: Turn,
    user: string,
    transaction: ServerTransaction,
    path: readonly string[],
  ): Result<readonly Binding[]> {
    const contacts = parseContacts(transaction.request);
    if (!contacts.ok) return contacts;
    const next =
      contacts.value.kind === 'all'
        ? this.withoutAll(turn, user, transaction)
        : this.withContacts(turn, user, transaction, contacts.value.contacts, path);
    if (next.ok) this.location.bind(turn, user, next.value);
    return next;
  }

  private withContacts(
    turn: Turn,
    user: string,
    { request, core, flow }: ServerTransaction,
    contacts: readonly Contact[],
    path: readonly string[],
  ): Result<readonly Binding[]> {
    let next = this.location.bindings(user, turn.nowMs);
    let flows = 0;
    const otherwise = readDigits(value(request, 'Expires') ?? '');
    for (const contact of contacts) {
      const wantedS = contact.expiresS ?? (otherwise >= 0 ? otherwise : DEFAULT_EXPIRES_S);
      if (wantedS > 0 && wantedS < LEAST_EXPIRES_S)
        return bad(sipError('expires-too-brief', 423, `${wantedS} s is too brief`));
      const registered = flowBinding(contact, request, core, path);
      if (!registered.ok) return registered;
      const known = next.filter((binding) => isReplaced(binding, contact, registered.value));
      if (known.some((binding) => isOlder(core, binding))) return bad(OUT_OF_ORDER);
      next = next.filter((binding) => !known.includes(binding));
      if (wantedS === 0) continue;
      if (registered.value !== undefined) flows += 1;
      if (flows > 1) return bad(SEVERAL_FLOWS);
      const uri = withoutHeaders(contact.uri);
      next.push({
        uri,
        q: contact.q ?? 1,
        path,
        reach: reachOf(uri, core, flow, path, registered.value),
        registered: registered.value,
        expiresMs: turn.nowMs + Math.min(wantedS, MOST_EXPIRES_S) * 1000,
        callId: core.callId,
        sequence: core.cseq.number,
      });
      // Counted here: each further Contact is compared with all of them.
      if (next.length > MAX_BINDINGS)
        return bad(sipError('too-many-bindings', 403, `more than ${MAX_BINDINGS} bindings`));
    }
    return ok(next);
  }

  /** "Contact: *" with "Expires: 0" and nothing else (§10.2.2, §10.3 step 6). */
  private withoutAll(
    turn: Turn,
    user: string,
    { request, core }: ServerTransaction,
  ): Result<readonly Binding[]> {
    if (value(request, 'Expires') !== '0')
      return bad(sipError('contact-malformed', 400, '"*" needs Expires: 0'));
    const late = this.location.bindings(user, turn.nowMs).some((binding) => isOlder(core, binding));
    return late ? bad(OUT_OF_ORDER) : ok([]);
  }
}

const OUT_OF_ORDER = sipError(
  'cseq-out-of-order',
  500,
  'an older REGISTER than the one that set the binding',
);

/** RFC 5626 §6: one REGISTER binds one flow, the one that it comes on. */
const SEVERAL_FLOWS = sipError('flows-several', 400, 'a reg-id in more than one Contact');

/** RFC 5626 §6, §10: the flow was bound, and after how long without a keepalive it may be given up, in seconds. */
const OUTBOUND: readonly HeaderLine[] = [
  ['Require', 'outbound'],
  ['Flow-Timer', '120'],
];

/** Whether the Contact takes the place of a binding: by its flow, or by its address where one of them has no flow. */
function isReplaced(binding: Binding, contact: Contact, flow: FlowBinding | undefined): boolean {
  if (flow !== undefined && binding.registered !== undefined) return isSameFlow(binding.registered, flow);
  return sameUri(binding.uri, contact.uri);
}

/** The flow that a phone is reached on: the one it registers, or the one that its Contact makes necessary. */
function reachOf(
  uri: string,
  { via }: CoreHeaders,
  flow: Flow,
  path: readonly string[],
  registered: FlowBinding | undefined,
): Flow | undefined {
  if (path.length > 0) return undefined;
  return registered === undefined ? reachOfContact(uri, via, flow) : flow;
}

/** What a REGISTER may require of us: RFC 3327, RFC 5626. */
const SERVED: ReadonlySet<string> = new Set(['path', 'outbound']);

/** The option tags of Require but those, as Unsupported lists them (§8.2.2.3); undefined when there are none. */
function unknownExtensions(request: SipRequest): string | undefined {
  const tags = allValues(request, 'Require');
  const unknown = tags.ok ? tags.value.filter(({ text }) => !SERVED.has(text.toLowerCase())) : [];
  return unknown.length === 0 ? undefined : unknown.map(({ text }) => text).join(', ');
}

function bad(error: SipError): Result<never> {
  return { ok: false, error };
}

/** §10.3 steps 6 and 7: a REGISTER of the same Call-ID that went before the one that set the binding. */
function isOlder({ callId, cseq }: CoreHeaders, binding: Binding): boolean {
  return binding.callId === callId && binding.sequence >= cseq.number;
}

/** §16.5, Table 1 of §19.1.1: a Request-URI has no header fields, so neither has what becomes one. */
function withoutHeaders(text: string): string {
  const uri = parseUri(text);
  if (!uri.ok || uri.value.kind !== 'sip' || uri.value.headers.length === 0) return text;
  return serializeUri({ ...uri.value, headers: [] });
}
