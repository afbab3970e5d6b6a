/**
 * Bindings of flows, as a registrar judges them (RFC 5626 §6): a Contact with `reg-id` and `+sip.instance` from a phone
 * that says `outbound` is known by these two and not by its address, and is reached over the flow it came on.
 */
import type { Contact } from './contact.ts';
import type { CoreHeaders } from './core-headers.ts';
import type { SipRequest } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { parameterText } from './params.ts';
import { fail, ok, type Result } from './result.ts';
import { readDigits } from './text.ts';
import { parseOptionTags } from './token-list.ts';
import { parseUri } from './uri.ts';

/** What tells a flow of a phone from another: the phone, and the number that it gave the flow. */
export interface FlowBinding {
  /** A URN, as it came, without `<>`. */
  readonly instance: string;
  readonly regId: number;
}

/** §4.2: reg-id is a positive number below 2^31. */
const MOST_REG_ID = 2 ** 31 - 1;

/**
 * The flow that a Contact registers; undefined when it registers an address alone. Error: `first-hop-without-outbound`
 * (439) when a proxy stands between that did not say, by `ob` in its Path, that it keeps the flow.
 */
export function flowBinding(
  { params }: Contact,
  request: SipRequest,
  { viaCount }: CoreHeaders,
  path: readonly string[],
): Result<FlowBinding | undefined> {
  const regId = readDigits(params.get('reg-id') ?? '');
  const instance = parameterText(params, '+sip.instance')?.replace(/^<(.*)>$/, '$1');
  const supported = parseOptionTags(request, 'Supported');
  if (!supported.ok || !supported.value.includes('outbound')) return ok(undefined);
  if (instance === undefined || instance === '' || regId < 1 || regId > MOST_REG_ID) return ok(undefined);
  if (path.length === 0 ? viaCount === 1 : saysOb(path.at(-1) ?? '')) return ok({ instance, regId });
  const detail = 'the proxy next to the phone does not keep flows: there is no ob in its Path';
  return fail('first-hop-without-outbound', 0, 439, detail, 'Path');
}

/** Whether both are the same flow of the same phone; a UUID has two spellings (RFC 4122 §3). */
export function isSameFlow(one: FlowBinding | undefined, other: FlowBinding | undefined): boolean {
  if (one === undefined || other === undefined || one.regId !== other.regId) return false;
  return isSamePhone(one, other);
}

/** Whether both are flows of the same phone. */
export function isSamePhone(one: FlowBinding | undefined, other: FlowBinding | undefined): boolean {
  return one !== undefined && one.instance.toLowerCase() === other?.instance.toLowerCase();
}

/** The parameters, as they stand behind the Contact in a 200. */
export function flowParams(flow: FlowBinding | undefined): string {
  return flow === undefined ? '' : `;+sip.instance="<${flow.instance}>";reg-id=${flow.regId}`;
}

/** The last value of Path is that of the first proxy (RFC 3327 §5.1). */
function saysOb(path: string): boolean {
  const address = parseNameAddr(path);
  const uri = address.ok ? parseUri(address.value.uri) : address;
  return uri.ok && uri.value.kind === 'sip' && uri.value.params.has('ob');
}
