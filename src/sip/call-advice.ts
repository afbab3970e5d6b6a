/**
 * Why a call was refused, in words for the person who has to mend it (RFC 3261 §21): the status is the callee's or a
 * proxy's own word for it, and most people have to look it up.
 */
import { type SipResponse, value } from './message.ts';
import { displayText } from './text.ts';

/** What is likely, and what to look at next. */
export interface Advice {
  readonly code: string;
  readonly cause: string;
  readonly next: string;
}

const BY_STATUS: Readonly<Record<number, Advice>> = {
  301: advice('call-redirected', 'the callee has moved', 'call the address in the Contact of the response'),
  302: advice('call-redirected', 'the callee is elsewhere for now', 'call the address in the Contact'),
  305: advice(
    'call-redirected',
    'the callee wants to be reached by a proxy',
    'send the call by the proxy in the Contact',
  ),
  400: advice(
    'request-malformed',
    'somebody on the way could not read the INVITE',
    'look at its bytes, and at the reason phrase',
  ),
  401: advice(
    'authentication-refused',
    'the credentials were missing or wrong',
    'check the user, the password and the realm of the challenge',
  ),
  403: advice(
    'call-forbidden',
    'the callee, or a proxy, does not let this caller call',
    'check the From address, the account and what it may dial',
  ),
  404: advice(
    'user-unknown',
    'nobody of that name is known in that domain',
    'check the number and the domain',
  ),
  405: advice(
    'method-not-allowed',
    'INVITE is not served there',
    'check the address: it may be a registrar or a gateway of another kind',
  ),
  407: advice(
    'authentication-refused',
    'the proxy wants credentials, and got none or wrong ones',
    'check the user, the password and the realm of the challenge',
  ),
  408: advice(
    'no-answer',
    'somebody on the way waited in vain for an answer',
    'check that the callee is registered and reachable',
  ),
  410: advice('user-gone', 'the callee was there and is gone for good', 'check the number'),
  415: advice('body-refused', 'the callee cannot read the body of the INVITE', 'send application/sdp alone'),
  420: advice(
    'extension-refused',
    'the callee does not know an extension that Require asks for',
    'leave it out of Require; Unsupported in the response names it',
  ),
  422: advice(
    'session-interval-too-small',
    'the session timer is shorter than the callee allows',
    'ask for Min-SE of the response or more',
  ),
  480: advice(
    'callee-unavailable',
    'the callee is known and not registered, or does not want to be disturbed',
    'check its registration',
  ),
  481: advice(
    'dialog-unknown',
    'the callee knows no such call',
    'check that tags and Call-ID come back unchanged',
  ),
  482: advice('loop', 'the INVITE came back to where it had been', 'check the routing between the proxies'),
  483: advice(
    'too-many-hops',
    'Max-Forwards ran out: most likely a loop',
    'check the routing between the proxies',
  ),
  484: advice('number-incomplete', 'the number is too short', 'dial the whole number'),
  486: advice('callee-busy', 'the callee is busy', 'call again later'),
  487: advice('call-cancelled', 'the caller gave up before an answer', 'nothing: it was asked for'),
  488: advice(
    'media-refused',
    'the callee can use none of the offered audio',
    'compare the codecs and the transport of both sides; a Warning may say more',
  ),
  491: advice('glare', 'both sides changed the session at once', 'try again after a moment (RFC 3261 §14.1)'),
  500: advice('callee-failed', 'the callee failed inside', 'look at its log'),
  501: advice('method-unknown', 'the callee does not know INVITE', 'check the address'),
  502: advice(
    'gateway-failed',
    'a gateway got a bad answer from behind it',
    'look at the log of the gateway',
  ),
  503: advice(
    'service-unavailable',
    'the server is overloaded, or down for maintenance',
    'wait as long as Retry-After says',
  ),
  504: advice(
    'gateway-timeout',
    'a gateway got no answer from behind it',
    'check the trunk behind the gateway',
  ),
  600: advice('callee-busy', 'the callee is busy everywhere', 'call again later'),
  603: advice('call-declined', 'the callee does not want the call', 'ask the callee'),
  604: advice('user-unknown', 'nobody of that name is known anywhere', 'check the number'),
  606: advice(
    'media-refused',
    'the callee can use none of the offered session',
    'compare the codecs of both sides',
  ),
};

/** By the status, from 300, else by its class. */
export function adviceOnCall(status: number): Advice {
  const known = BY_STATUS[status];
  if (known !== undefined) return known;
  if (status < 400)
    return advice('call-redirected', 'the callee is elsewhere', 'call the address in the Contact');
  if (status < 500)
    return advice(
      'call-refused',
      'the request as it is was refused',
      'look at the reason phrase, Reason and Warning',
    );
  if (status < 600)
    return advice('callee-failed', 'a server on the way failed', 'look at its log; Server or Via tell which');
  return advice('call-declined', 'the callee refuses the call everywhere', 'ask the callee');
}

/** RFC 5630 §8.3: the callee is there, and not by that scheme. */
function adviceOnSips(warning: string): Advice | undefined {
  if (/^\s*380\b/.test(warning)) {
    const next = 'call sip: instead, or let the callee register with --server sips:HOST';
    return advice('sips-not-allowed', 'the callee is there, and not reached over TLS on every hop', next);
  }
  if (!/^\s*381\b/.test(warning)) return undefined;
  return advice('sips-required', 'the callee takes calls over TLS on every hop alone', 'call sips: instead');
}

/** A refusal as a diagnosis: what was said, beyond the phrase also in Warning (§20.43), and what it means. */
export function diagnosisOfRefusal(
  response: SipResponse,
): Advice & { readonly severity: 'error'; readonly evidence: string } {
  const warning = value(response, 'Warning');
  const said = `${response.status} ${displayText(response.reason)}`;
  const evidence = warning === undefined ? said : `${said}, Warning: ${displayText(warning)}`;
  const advised = adviceOnSips(warning ?? '') ?? adviceOnCall(response.status);
  return { severity: 'error', evidence, ...advised };
}

function advice(code: string, cause: string, next: string): Advice {
  return { code, cause, next };
}
