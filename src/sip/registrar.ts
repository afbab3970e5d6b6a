/**
 * A small registrar for the lab (RFC 3261 §10.3, RFC 3327), with digest authentication. What it learns stands in the
 * location service, where the proxy finds it.
 */
import { type Contact, parseContacts } from './contact.ts';
import { reachOfContact } from './contact-reach.ts';
import type { CoreHeaders } from './core-headers.ts';
import { MAX_BINDINGS } from './limits.ts';
import { allValues } from './list.ts';
import type { Binding, LocationService } from './location-service.ts';
import { type SipRequest, value } from './message.ts';
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
import { uriEquals } from './uri-equals.ts';
import type { UserAgent } from './user-agent.ts';

/** What a REGISTER without expiry gets, and the least and the most that is given, in seconds. */
const DEFAULT_EXPIRES_S = 3_600;
const LEAST_EXPIRES_S = 10;
const MOST_EXPIRES_S = 7_200;

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
    const contacts = changed.value.map((binding): HeaderLine => {
      const leftS = Math.ceil((binding.expiresMs - turn.nowMs) / 1000);
      const q = binding.q === 1 ? '' : `;q=${binding.q}`;
      return ['Contact', `<${binding.uri}>;expires=${leftS}${q}`];
    });
    const paths = path.ok ? path.value.map((text): HeaderLine => ['Path', text]) : [];
    this.agent.respond(turn, transaction, 200, {
      ...ownTag(this.agent, core),
      headers: [...contacts, ...paths],
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
    const otherwise = readDigits(value(request, 'Expires') ?? '');
    for (const contact of contacts) {
      const wantedS = contact.expiresS ?? (otherwise >= 0 ? otherwise : DEFAULT_EXPIRES_S);
      if (wantedS > 0 && wantedS < LEAST_EXPIRES_S)
        return bad(sipError('expires-too-brief', 423, `${wantedS} s is too brief`));
      const known = next.find((binding) => sameUri(binding.uri, contact.uri));
      if (known !== undefined && isOlder(core, known)) return bad(OUT_OF_ORDER);
      next = next.filter((binding) => binding !== known);
      if (wantedS === 0) continue;
      const uri = withoutHeaders(contact.uri);
      next.push({
        uri,
        q: contact.q ?? 1,
        path,
        reach: path.length > 0 ? undefined : reachOfContact(uri, core.via, flow),
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

/** The option tags of Require but path, as Unsupported lists them (§8.2.2.3); undefined when there are none. */
function unknownExtensions(request: SipRequest): string | undefined {
  const tags = allValues(request, 'Require');
  const unknown = tags.ok ? tags.value.filter(({ text }) => text.toLowerCase() !== 'path') : [];
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

function sameUri(a: string, b: string): boolean {
  const left = parseUri(a);
  const right = parseUri(b);
  return left.ok && right.ok && uriEquals(left.value, right.value);
}
