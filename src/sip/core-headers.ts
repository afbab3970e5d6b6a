/**
 * What every SIP message must have (RFC 3261 §8.1.1): Via, From, To, Call-ID and CSeq.
 *
 * They are read together and once, because matching a message to its transaction and its dialog needs them all.
 * Only the top Via is read: the others are the business of the elements that wrote them.
 */
import { type CSeq, parseCSeq } from './cseq.ts';
import { firstValueEnd } from './list.ts';
import type { HeaderField, SipMessage } from './message.ts';
import { COMMON_METHODS } from './methods.ts';
import { type NameAddr, parseNameAddr } from './name-addr.ts';
import { fail, ok, type Result } from './result.ts';
import { parseVia, type Via } from './via.ts';

export interface CoreHeaders {
  /** The top one. */
  readonly via: Via;
  /** Via fields and values after the top one are counted, not read: at least so many there are. */
  readonly viaCount: number;
  readonly from: NameAddr;
  readonly fromTag?: string | undefined;
  readonly to: NameAddr;
  readonly toTag?: string | undefined;
  readonly callId: string;
  readonly cseq: CSeq;
}

/**
 * Errors: `via-missing`, `from-missing`, …, `from-duplicated`, …, `call-id-malformed`, `tag-malformed`,
 * `cseq-method-mismatch` (§8.1.1.5), and those of the parsers of each; all 400, but 501 for the mismatch of a method
 * that is not registered.
 */
export function readCoreHeaders(message: SipMessage): Result<CoreHeaders> {
  let viaField: HeaderField | undefined;
  let fromField: HeaderField | undefined;
  let toField: HeaderField | undefined;
  let callIdField: HeaderField | undefined;
  let cseqField: HeaderField | undefined;
  let viaCount = 0;
  for (const header of message.headers) {
    switch (header.name) {
      case 'Via':
        viaField ??= header;
        viaCount += countValues(header.value);
        break;
      case 'From':
        if (fromField) return duplicated(header);
        fromField = header;
        break;
      case 'To':
        if (toField) return duplicated(header);
        toField = header;
        break;
      case 'Call-ID':
        if (callIdField) return duplicated(header);
        callIdField = header;
        break;
      case 'CSeq':
        if (cseqField) return duplicated(header);
        cseqField = header;
        break;
    }
  }
  if (!viaField) return missing('Via');
  if (!fromField) return missing('From');
  if (!toField) return missing('To');
  if (!callIdField) return missing('Call-ID');
  if (!cseqField) return missing('CSeq');

  const via = parseVia(viaField.value.slice(0, firstValueEnd(viaField.value)), viaField.offset);
  if (!via.ok) return via;
  const from = readTagged(fromField);
  if (!from.ok) return from;
  const to = readTagged(toField);
  if (!to.ok) return to;
  const callId = callIdField.value;
  if (!isCallId(callId)) {
    return fail('call-id-malformed', callIdField.offset, 400, 'expected one word', 'Call-ID');
  }
  const cseq = parseCSeq(cseqField.value, cseqField.offset);
  if (!cseq.ok) return cseq;
  if (message.kind === 'request' && cseq.value.method !== message.method) {
    const detail = `CSeq says ${cseq.value.method}, the request ${message.method}`;
    // RFC 4475 §3.1.2.18: of a method that nobody knows, 501 says more than 400.
    const status = COMMON_METHODS.includes(message.method) ? 400 : 501;
    return fail('cseq-method-mismatch', cseqField.offset, status, detail, 'CSeq');
  }
  return ok({
    via: via.value,
    viaCount,
    from: from.value,
    fromTag: from.value.params.get('tag'),
    to: to.value,
    toTag: to.value.params.get('tag'),
    callId,
    cseq: cseq.value,
  });
}

/** From or To; a tag without a value says nothing and is refused. */
function readTagged(header: HeaderField): Result<NameAddr> {
  const address = parseNameAddr(header.value, header.offset, header.name);
  if (!address.ok || !address.value.params.has('tag') || address.value.params.get('tag')) return address;
  return fail('tag-malformed', header.offset, 400, 'a tag without a value', header.name);
}

/** Values of one field that hold something between commas; not checked. */
function countValues(value: string): number {
  let count = 1;
  let end = firstValueEnd(value);
  while (end < value.length) {
    count++;
    end = firstValueEnd(value, end + 1);
  }
  return count;
}

/** Wider than the callid of §25.1: leniency `call-id-characters`. */
function isCallId(text: string): boolean {
  if (text === '' || text.includes(' ')) return false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return false;
  }
  return true;
}

function missing(name: string): Result<never> {
  return fail(`${name.toLowerCase()}-missing`, 0, 400, `no ${name} header field`, name);
}

function duplicated({ name, offset }: HeaderField): Result<never> {
  return fail(`${name.toLowerCase()}-duplicated`, offset, 400, `${name} stands twice`, name);
}
