/**
 * How an endpoint is made to do one thing wrong: a fault stands between it and the network, and falsifies what it
 * hears or asks for. broken-endpoints.ts has the faults.
 */
import type { Actor } from '../src/io/virtual.ts';
import type { Input, Output } from '../src/sip/endpoint-io.ts';
import { bytesOf } from '../src/sip/text.ts';
import { readWire, type WireMessage } from './wire-message.ts';

type Send = Extract<Output, { type: 'send' }>;

/** What of the outputs, and of the inputs, is another than it should be. */
export interface Fault {
  /** An input that never reaches the endpoint. */
  readonly swallows?: (input: Input) => boolean;
  /** What it asks for instead. */
  readonly falsifies?: (output: Output) => readonly Output[];
  readonly deadlineMs?: (deadlineMs: number | undefined) => number | undefined;
}

/** An endpoint with that fault. */
export function broken(endpoint: Actor, { swallows, falsifies, deadlineMs }: Fault): Actor {
  return {
    handle(input, nowMs) {
      const heard: Input = swallows?.(input) === true ? { type: 'time' } : input;
      const outputs = endpoint.handle(heard, nowMs);
      return falsifies === undefined ? outputs : outputs.flatMap(falsifies);
    },
    deadlineMs() {
      return deadlineMs === undefined ? endpoint.deadlineMs() : deadlineMs(endpoint.deadlineMs());
    },
  };
}

/** The message of an output that sends one. */
export function messageOf(output: Output): WireMessage | undefined {
  return output.type === 'send' ? readWire(output.bytes) : undefined;
}

/** The same output with another message. */
export function resent(output: Output, text: string): Send {
  if (output.type !== 'send') throw new Error('only a message is sent again');
  return { ...output, bytes: bytesOf(text) };
}

/** Whether it sends a response of that status to that method; a request for 0. */
export function isStatus(output: Output, method: string, status: number): boolean {
  const message = messageOf(output);
  return message?.method === method && message.status === status;
}

/** Whether it sends a request of that method. */
export function isRequest(output: Output, method: string): boolean {
  return isStatus(output, method, 0);
}

/** A fault of every output that `hits`: it is replaced. */
export function replacing(
  hits: (output: Output) => boolean,
  by: (output: Output, text: string) => readonly Output[],
): Fault {
  return {
    falsifies: (output) => (hits(output) ? by(output, messageOf(output)?.text ?? '') : [output]),
  };
}

/** Whether it says that something has come to that state. */
export const isEvent = (output: Output, type: string, to: string) =>
  output.type === 'event' && output.event.type === type && 'to' in output.event && output.event.to === to;

/** After each ACK the INVITE once more. */
export function inviteOnceMore(): Fault {
  const invites = new Map<string, Output>();
  return {
    falsifies: (output) => {
      const { callId = '' } = messageOf(output) ?? {};
      if (isRequest(output, 'INVITE')) invites.set(callId, output);
      const invite = isRequest(output, 'ACK') ? invites.get(callId) : undefined;
      return invite === undefined ? [output] : [output, invite];
    },
  };
}
