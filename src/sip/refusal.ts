/** Refusing a request, and saying what was wrong, where, and what was done about it. */
import type { CoreHeaders } from './core-headers.ts';
import { formatAddress, formatHost } from './flow.ts';
import { errorText, type SipError } from './result.ts';
import type { HeaderLine, ResponseParts } from './serialize-message.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';
import { serializeWarning } from './warning.ts';

/** What to do about it, for the person who reads the event. */
const HINTS: Readonly<Record<string, string>> = {
  'contact-missing': 'the caller must put a Contact into its INVITE (RFC 3261 §8.1.1.8)',
  'no-common-codec': 'offer PCMU or PCMA; any codec of one packet a frame will do',
  'no-audio': 'the echo needs an audio line with a port above 0',
  'media-transport-unsupported': 'offer RTP/AVP; SRTP is not spoken here yet',
  'content-type-unsupported': 'send what Accept of the response names',
  'answer-unacceptable': 'send no Accept, or application/sdp in it; no encoding is served',
  'info-package-unknown':
    'send the keys as application/dtmf-relay without Info-Package, or as telephone-event',
  'event-unknown': 'message-summary alone is understood, and nothing can be subscribed to',
  'body-encoded': 'send the body without Content-Encoding',
  'extension-unsupported': 'leave the option tag out of Require',
  'method-not-allowed': 'see Allow in the response',
  'too-many-calls': 'raise that limit, or call again later',
  'too-many-unproven':
    'call again once one of them is acknowledged; nothing is refused to whoever sends ACKs',
  'no-port': 'widen --rtp-ports, or call again later',
  'user-unknown': 'the users of this domain are those of --user and of the [[account]] tables',
  'not-registered': 'nobody has registered it, or its time is over: see the lines with BINDING',
  'response-wrong': 'compare the password with the one that the registrar was given',
  'realm-mismatch': 'the credentials are for another domain',
  'not-your-address': 'who a phone says it is must be the user whose password it has',
  'domain-unknown': 'set the domain of the phone to that of --domain',
  'relay-refused': 'a request in a dialog must follow the Record-Route of its INVITE',
  'loop-detected': 'look where the Contact of the callee leads',
  'too-many-hops': 'raise Max-Forwards, or look for a loop between proxies',
  'proxy-extension-unsupported': 'leave the option tag out of Proxy-Require',
  'path-unsupported': 'the phone must send Supported: path, or the proxy before it no Path',
  'sips-required': 'send what belongs to a sips: call over TLS',
  'dialog-unknown': 'the call is over, or the tags are not those of the 200',
};

/** Answers with the status of the error and emits `sip.rejected`. */
export function refuse(
  agent: UserAgent,
  turn: Turn,
  transaction: ServerTransaction,
  error: SipError,
  parts: ResponseParts = {},
): void {
  reportRefusal(turn, transaction, error);
  const toTag = transaction.core.toTag === undefined ? { toTag: agent.identifiers.tag() } : undefined;
  // A 400 says to the other side what it must mend, and where (§21.4.1).
  const reason = error.status === 400 ? { reason: `Bad Request (${errorText(error)})` } : undefined;
  const headers = [...warned(agent, transaction, error), ...(parts.headers ?? [])];
  agent.respond(turn, transaction, error.status, { ...toTag, ...reason, ...parts, headers });
}

/** Who asks for too much security, or too little, is told so by a Warning (RFC 5630 §5.1.2, §5.3). */
const SIPS_WARNINGS: Readonly<Record<string, { readonly code: number; readonly text: string }>> = {
  'not-registered-securely': { code: 380, text: 'SIPS Not Allowed' },
  'sips-required': { code: 381, text: 'SIPS Required' },
};

function warned({ own }: UserAgent, { flow }: ServerTransaction, { code }: SipError): HeaderLine[] {
  const warning = SIPS_WARNINGS[code];
  if (warning === undefined) return [];
  const agent = formatHost(own.towards(flow.remote.address));
  return [['Warning', serializeWarning({ ...warning, agent })]];
}

/** A tag for the To of a response, when the request has none (§8.2.6.2). */
export function ownTag(agent: UserAgent, core: CoreHeaders): { readonly toTag: string } | undefined {
  return core.toTag === undefined ? { toTag: agent.identifiers.tag() } : undefined;
}

/** The event alone. */
export function reportRefusal(turn: Turn, transaction: ServerTransaction, error: SipError): void {
  const hint = HINTS[error.code];
  turn.emit({
    type: 'sip.rejected',
    ...(transaction.call === undefined ? undefined : { call: transaction.call }),
    transport: transaction.flow.transport,
    remote: formatAddress(transaction.flow.remote),
    code: error.code,
    offset: error.offset,
    ...(error.header === undefined ? undefined : { header: error.header }),
    status: error.status,
    detail: error.detail,
    ...(hint === undefined ? undefined : { hint }),
  });
}

/** When the peer may come again (§20.33), in seconds. */
export function retryAfter(seconds: number): HeaderLine {
  return ['Retry-After', String(seconds)];
}
