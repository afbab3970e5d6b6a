/**
 * Writes the trace of a session: what a driver feeds its endpoint, and the events (trace.ts).
 *
 * A secret may be cut in two by a stream. So each chunk is written as the messages that it completes, and a chunk
 * that completes none as an empty one: the endpoint, which waits for whole messages, cannot tell them apart.
 */
import { Buffer } from 'node:buffer';
import type { Event } from '../events.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import type { Input } from '../sip/endpoint-io.ts';
import { type Frame, StreamFramer } from '../sip/stream-framing.ts';
import type { DriverTap } from './driver.ts';
import { countersLineOf, headerLine, inputLineOf, routeLineOf, type TraceStyle } from './trace.ts';
import {
  type KnownPasswords,
  knownPasswords,
  maskedEvent,
  withoutPasswords,
  withoutSecrets,
} from './trace-secrets.ts';

/** The two ends of a trace that is being written. */
export interface TraceRecorder {
  readonly tap: DriverTap;
  /** Each event in its turn, as it is printed. */
  readonly event: (event: Event) => void;
}

/** Connections that are followed; more than a driver has open at once (sip/limits.ts). */
const MAX_FRAMERS = 8_192;
const LINE_BREAK = Buffer.from('\r\n');

/** `write` takes one line, without its end. `version`: of the program. */
export function traceRecorder(
  write: (line: string) => void,
  { version, style }: { readonly version: string; readonly style: TraceStyle },
): TraceRecorder {
  const framers = new Map<number, StreamFramer>();
  let passwords: KnownPasswords = new Map();
  const streamed = (connection: number, bytes: Uint8Array) => {
    const framer = framers.get(connection) ?? new StreamFramer();
    framers.set(connection, framer);
    // Connections that we close ourselves say no more.
    const [oldest] = framers.keys();
    if (framers.size > MAX_FRAMERS && oldest !== undefined) framers.delete(oldest);
    // The framer keeps views of what it is given, and the reader of the socket may use its buffer again.
    return Buffer.concat(framer.push(bytes.slice()).map((frame) => frameBytes(frame, passwords)));
  };
  return {
    tap: {
      started(config: EndpointConfig) {
        passwords = knownPasswords(config);
        const { unwantedEvents: _unwanted, ...rest } = config;
        write(headerLine(version, style, withoutPasswords(rest)));
      },
      input(input: Input, nowMs: number) {
        if (input.type === 'datagram') {
          write(inputLineOf({ ...input, bytes: withoutSecrets(input.bytes, passwords) }, nowMs));
        } else if (input.type === 'stream') {
          write(inputLineOf({ ...input, bytes: streamed(input.connection, input.bytes) }, nowMs));
        } else {
          if (input.type === 'disconnected') framers.delete(input.connection);
          write(inputLineOf(withoutPasswords(input) as Input, nowMs));
        }
      },
      counters: (slot, counters) => write(countersLineOf(slot, counters)),
      route: (peer, local) => write(routeLineOf(peer, local)),
    },
    event: (event) => write(JSON.stringify(maskedEvent(event))),
  };
}

/** What a frame was cut from. Two line breaks are a pong and a ping, one each. */
function frameBytes(frame: Frame, passwords: KnownPasswords): Uint8Array {
  if (frame.type === 'message') return withoutSecrets(frame.bytes, passwords);
  if (frame.type === 'broken') return withoutSecrets(frame.head, passwords);
  return LINE_BREAK;
}
