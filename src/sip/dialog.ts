/**
 * Dialogs (RFC 3261 §12): what two user agents remember of each other between an INVITE and a BYE.
 *
 * Plain data and functions over it. Addresses and routes are kept as the text that came, since all that a later
 * request does with them is to repeat them.
 */

import { parseTargetContact } from './contact.ts';
import type { CoreHeaders } from './core-headers.ts';
import type { Flow } from './flow.ts';
import { MAX_PARAMETERS } from './limits.ts';
import { type SipMessage, type SipRequest, type SipResponse, value } from './message.ts';
import { withParameter } from './params.ts';
import { fail, ok, type Result } from './result.ts';
import { recordedRoutes } from './route-set.ts';
import { isSips } from './sips.ts';
import { parseUri } from './uri.ts';
import { MAGIC_COOKIE } from './via.ts';

export type DialogState = 'early' | 'confirmed' | 'terminated';

/** Our side of a dialog (§12). Mutable; its call owns it. */
export interface Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** The three of them as one (`dialogKey`): it is looked for with every request. */
  readonly key: string;
  /** Our address with our tag, as it stands in From of our requests. */
  readonly local: string;
  /** The peer's address with its tag, as it stands in To of our requests. */
  readonly remote: string;
  /** Route header values for our requests, in order (§12.1.1, §12.1.2). */
  readonly routeSet: readonly string[];
  /** The peer's Contact: the Request-URI of our requests; refreshed by re-INVITE (§12.2). */
  remoteTarget: string;
  /** CSeq of our last request; the next is one higher. */
  localSequence: number;
  /** CSeq of the peer's last request; undefined until there was one. */
  remoteSequence: number | undefined;
  state: DialogState;
  /** It was set up by a `sips:` URI over TLS, and stays on TLS (§12.1.1, §12.1.2, the secure flag). */
  readonly secure: boolean;
  /** Where the peer was last heard. */
  flow: Flow;
  /** It was said that its Contact cannot be reached (dialog-flow.ts). */
  reachSaid?: boolean;
}

/** What tells one dialog from another (§12): Call-ID, our tag, the peer's tag. */
export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}|${localTag}|${remoteTag}`;
}

/** The dialog that our 1xx or 2xx to this request makes (§12.1.1). */
export function dialogAsServer(
  request: SipRequest,
  core: CoreHeaders,
  localTag: string,
  flow: Flow,
): Result<Dialog> {
  const target = callerTarget(request, core);
  if (!target.ok) return target;
  const routes = recordedRoutes(request);
  if (!routes.ok) return routes;
  // Our tag is one parameter more, and what we send with it has to be readable, by us first of all.
  if (core.to.params.size >= MAX_PARAMETERS) {
    return fail('too-many-parameters', 0, 400, `no room for a tag: ${MAX_PARAMETERS} parameters`, 'To');
  }
  return ok({
    callId: core.callId,
    localTag,
    remoteTag: core.fromTag ?? '',
    key: dialogKey(core.callId, localTag, core.fromTag ?? ''),
    local: withParameter(value(request, 'To') ?? '', 'tag', localTag),
    remote: value(request, 'From') ?? '',
    routeSet: routes.value,
    remoteTarget: target.value,
    localSequence: 0,
    remoteSequence: core.cseq.number,
    state: 'early',
    secure: isSecure(request, flow),
    flow,
  });
}

/** The dialog that a 1xx with a tag, or a 2xx, to our INVITE makes (§12.1.2). */
export function dialogAsClient(
  request: SipRequest,
  requestCore: CoreHeaders,
  response: SipResponse,
  core: CoreHeaders,
  flow: Flow,
): Result<Dialog> {
  const target = remoteTarget(response);
  if (!target.ok) return target;
  const routes = recordedRoutes(response);
  if (!routes.ok) return routes;
  const bare = dialogWithoutContact(request, requestCore, response, core, flow);
  return ok({ ...bare, routeSet: routes.value.toReversed(), remoteTarget: target.value });
}

/**
 * The same for a response whose Contact is missing (leniency `contact-missing`), or of which nothing more can be used:
 * requests go where the INVITE went, as in RFC 2543.
 */
export function dialogWithoutContact(
  request: SipRequest,
  requestCore: CoreHeaders,
  response: SipResponse,
  core: CoreHeaders,
  flow: Flow,
): Dialog {
  const { fromTag: localTag = '' } = requestCore;
  const { callId, toTag: remoteTag = '' } = core;
  return {
    callId,
    localTag,
    remoteTag,
    key: dialogKey(callId, localTag, remoteTag),
    local: value(request, 'From') ?? '',
    remote: value(response, 'To') ?? '',
    routeSet: [],
    remoteTarget: request.uri,
    localSequence: requestCore.cseq.number,
    remoteSequence: undefined,
    state: response.status < 200 ? 'early' : 'confirmed',
    secure: isSecure(request, flow),
    flow,
  };
}

/**
 * Takes a request of the peer into the dialog (§12.2.2). A CSeq that is not above the last one is out of order and gets 500;
 * a gap is accepted. ACK and CANCEL carry the number of their INVITE. A secure dialog takes nothing that was not on TLS.
 */
export function acceptRequest(dialog: Dialog, core: CoreHeaders, flow: Flow): Result<undefined> {
  const { number, method } = core.cseq;
  if (dialog.secure && flow.transport !== 'tls') {
    // RFC 5630 §5.1.2: 480, with a Warning that says why (refusal.ts).
    const detail = `${method} over ${flow.transport.toUpperCase()} in a dialog that a sips: URI set up`;
    return fail('sips-required', 0, 480, detail);
  }
  if (method !== 'ACK' && method !== 'CANCEL') {
    const last = dialog.remoteSequence;
    if (last !== undefined && number <= last) {
      return fail('cseq-out-of-order', 0, 500, `CSeq ${number} after ${last}`, 'CSeq');
    }
    dialog.remoteSequence = number;
  }
  dialog.flow = flow;
  return ok(undefined);
}

/** Whether a dialog that this request makes is secure: a `sips:` Request-URI, over TLS (§12.1.1, §12.1.2). */
function isSecure({ uri }: SipRequest, { transport }: Flow): boolean {
  return transport === 'tls' && isSips(uri);
}

/** A re-INVITE, or the answer to one, may move the peer's Contact (§12.2.1.2, §12.2.2). */
export function refreshTarget(dialog: Dialog, message: SipMessage): void {
  const target = remoteTarget(message);
  if (target.ok) dialog.remoteTarget = target.value;
}

/**
 * Where requests to the caller go. Leniency `contact-missing`: a caller of RFC 2543, known by a branch without the
 * cookie, is reached at its From.
 */
function callerTarget(request: SipRequest, core: CoreHeaders): Result<string> {
  const old = core.via.branch?.startsWith(MAGIC_COOKIE) !== true && value(request, 'Contact') === undefined;
  if (!old) return remoteTarget(request);
  const uri = parseUri(core.from.uri, 0, 'From');
  return uri.ok ? ok(core.from.uri) : uri;
}

/** The Contact of a message, as a URI. */
function remoteTarget(message: SipMessage): Result<string> {
  const contact = parseTargetContact(message);
  if (!contact.ok) return contact;
  if (contact.value === undefined) {
    return fail('contact-missing', 0, 400, 'no Contact to send further requests to', 'Contact');
  }
  return ok(contact.value.uri);
}
