/**
 * A message as a bystander reads it off the wire: the few fields that say which transaction and which dialog it
 * belongs to (RFC 3261 §8.1.1, §12, §17.1.3).
 *
 * It is a reader of its own, not the parser of the product: what judges the product must not share its mistakes. It
 * understands only what ringback writes, canonical names and one space.
 */

import { latin1 } from '../src/sip/text.ts';
import { isStun } from '../src/stun/message.ts';

export interface WireMessage {
  readonly text: string;
  /** The method of a request, or the one in CSeq. */
  readonly method: string;
  /** 0 in a request. */
  readonly status: number;
  readonly callId: string;
  /** The number in CSeq. */
  readonly number: number;
  /** Of the top Via. */
  readonly branch: string;
  readonly fromTag: string;
  /** Empty outside a dialog. */
  readonly toTag: string;
}

/** Retransmissions are the same bytes in the same array, so most messages are read once. */
const known = new WeakMap<Uint8Array, WireMessage>();

/** Undefined for what is no message: a keepalive (RFC 5626 §3.5). */
export function readWire(bytes: Uint8Array): WireMessage | undefined {
  if (bytes.length < 16 || isStun(bytes)) return undefined;
  const before = known.get(bytes);
  if (before !== undefined) return before;
  const text = latin1(bytes);
  const head = text.slice(0, text.indexOf('\r\n\r\n') + 2);
  const [number = '', method = ''] = field(head, 'CSeq').split(' ');
  const message: WireMessage = {
    text,
    method,
    status: text.startsWith('SIP/2.0 ') ? Number(text.slice(8, 11)) : 0,
    callId: field(head, 'Call-ID'),
    number: Number(number),
    branch: parameter(field(head, 'Via'), 'branch'),
    fromTag: parameter(field(head, 'From'), 'tag'),
    toTag: parameter(field(head, 'To'), 'tag'),
  };
  known.set(bytes, message);
  return message;
}

/** How many fields of that name a message has. */
export function countFields({ text }: WireMessage, name: string): number {
  return text.split(`\r\n${name}: `).length - 1;
}

/** The value of the first field of that name; empty when there is none. */
export function field(head: string, name: string): string {
  const start = head.indexOf(`\r\n${name}: `);
  if (start === -1) return '';
  const from = start + name.length + 4;
  return head.slice(from, head.indexOf('\r\n', from));
}

function parameter(value: string, name: string): string {
  const start = value.lastIndexOf(`;${name}=`);
  if (start === -1) return '';
  const from = start + name.length + 2;
  const end = value.indexOf(';', from);
  return value.slice(from, end === -1 ? undefined : end);
}
