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

/** Read once a message, and handed along with it. */
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
 * `text` is that of the whole message, when the offsets of its fields hold there: they are read in place, because a
 * value that is cut out costs more than reading it. Errors: `via-missing`, `from-missing`, …, `from-duplicated`, …, `call-id-malformed`, `tag-malformed`,
 * `cseq-method-mismatch` (§8.1.1.5), and those of the parsers of each; all 400, but 501 for the mismatch of a method
 * that is not registered.
 */
export function readCoreHeaders(message: SipMessage, text?: string): Result<CoreHeaders> {
  let viaField: HeaderField | undefined;
  let fromField: HeaderField | undefined;
  let toField: HeaderField | undefined;
  let callIdField: HeaderField | undefined;
  let cseqField: HeaderField | undefined;
  let viaCount = 0;
  let comma = -1;
  for (const header of message.headers) {
    switch (header.name) {
      case 'Via':
        viaField ??= header;
        if (text !== undefined && comma < header.offset) comma = commaFrom(text, header.offset);
        viaCount += comma < header.offset + header.value.length ? countValues(header.value) : 1;
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

  const via = readTopVia(viaField, text);
  if (!via.ok) return via;
  const from = readTagged(fromField, text);
  if (!from.ok) return from;
  const to = readTagged(toField, text);
  if (!to.ok) return to;
  const callId = callIdField.value;
  if (!isCallId(callIdField, text)) {
    return fail('call-id-malformed', callIdField.offset, 400, 'expected one word', 'Call-ID');
  }
  const cseq = readCSeq(cseqField, text);
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

function readTopVia({ value, offset }: HeaderField, text: string | undefined): Result<Via> {
  if (text === undefined) return parseVia(value, offset, 0, firstValueEnd(value));
  return parseVia(text, 0, offset, firstValueEnd(text, offset, offset + value.length));
}

function readCSeq({ value, offset }: HeaderField, text: string | undefined): Result<CSeq> {
  return text === undefined ? parseCSeq(value, offset) : parseCSeq(text, 0, offset, offset + value.length);
}

/** From or To; a tag without a value says nothing and is refused. */
function readTagged(header: HeaderField, text: string | undefined): Result<NameAddr> {
  const { name, value, offset } = header;
  const address =
    text === undefined
      ? parseNameAddr(value, offset, name)
      : parseNameAddr(text, 0, name, offset, offset + value.length);
  if (!address.ok || !address.value.params.has('tag') || address.value.params.get('tag')) return address;
  return fail('tag-malformed', header.offset, 400, 'a tag without a value', header.name);
}

/** The first comma from `start` on, or the end. It is remembered, as one look may go to the end of the message. */
function commaFrom(text: string, start: number): number {
  const comma = text.indexOf(',', start);
  return comma === -1 ? text.length : comma;
}

/** Values of one field between commas; not checked. */
function countValues(text: string): number {
  let count = 1;
  for (let end = firstValueEnd(text); end < text.length; end = firstValueEnd(text, end + 1)) count++;
  return count;
}

/** Wider than the callid of §25.1: leniency `call-id-characters`. */
function isCallId({ value, offset }: HeaderField, whole: string | undefined): boolean {
  const text = whole ?? value;
  const start = whole === undefined ? 0 : offset;
  const end = start + value.length;
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code <= 0x20 || code === 0x7f) return false;
  }
  return end > start;
}

function missing(name: string): Result<never> {
  return fail(`${name.toLowerCase()}-missing`, 0, 400, `no ${name} header field`, name);
}

function duplicated({ name, offset }: HeaderField): Result<never> {
  return fail(`${name.toLowerCase()}-duplicated`, offset, 400, `${name} stands twice`, name);
}
