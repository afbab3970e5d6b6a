/**
 * Watches every step of a deployment: keeps the record of each endpoint, holds the invariants against it, and counts
 * all that was sent and said into one digest, so that two runs can be told apart to the byte.
 */
import { createHash } from 'node:crypto';
import type { Step, VirtualEndpoint } from '../src/io/virtual.ts';
import { formatAddress } from '../src/sip/flow.ts';
import { StreamFramer } from '../src/sip/stream-framing.ts';
import {
  OF_CALLS,
  OF_ENDPOINTS,
  OF_REQUESTS_SENT,
  OF_RESPONSES_SENT,
  OF_TRANSACTIONS,
} from './invariants.ts';
import { type NodeRecord, newRecord, noteEvent, noteHeard, noteSent } from './node-record.ts';
import { readWire, type WireMessage } from './wire-message.ts';

/** Faults that are worth reading; the rest follows from them. */
const MAX_FAULTS = 10;

export class Watcher {
  /** What was wrong, in order: time, endpoint, fault. */
  readonly faults: string[] = [];
  steps = 0;
  messages = 0;
  private readonly records = new Map<VirtualEndpoint, NodeRecord>();
  private readonly framers = new Map<NodeRecord, Map<number, StreamFramer>>();
  private readonly hash = createHash('sha256');

  /** `trace`: told of all that is sent and said, a line each. */
  constructor(private readonly trace?: (line: string) => void) {}

  /** `forwards`: a proxy, whose requests are not its own. */
  add(node: VirtualEndpoint, forwards = false): NodeRecord {
    const record = newRecord(node, forwards);
    this.records.set(node, record);
    return record;
  }

  /** The record of an endpoint. */
  of(node: VirtualEndpoint): NodeRecord {
    const record = this.records.get(node);
    if (record === undefined) throw new Error(`${node.name} is not watched`);
    return record;
  }

  /** Of every endpoint that ever ran, also of those that are gone. */
  get all(): readonly NodeRecord[] {
    return [...this.records.values()];
  }

  /** Of all that was sent and said, and when. */
  digest(): string {
    return this.hash.copy().digest('hex');
  }

  /** To be handed to the network. */
  readonly watch = (step: Step, nowMs: number): void => {
    const record = this.records.get(step.node as VirtualEndpoint);
    if (record === undefined) return;
    this.steps += 1;
    this.hear(record, step);
    // What waited for its stream was sent before: an ACK may have come meanwhile.
    record.sendsWaiting = step.input.type === 'connected';
    for (const output of step.outputs) this.judge(record, output, nowMs);
    for (const invariant of OF_ENDPOINTS) this.note(record, nowMs, invariant(record, nowMs));
  };

  private hear(record: NodeRecord, { input }: Step): void {
    if (input.type === 'datagram') {
      const message = readWire(input.bytes);
      if (message !== undefined) noteHeard(record, message);
    } else if (input.type === 'stream') {
      for (const frame of this.framerOf(record, input.connection).push(input.bytes)) {
        const message = frame.type === 'message' ? readWire(frame.bytes) : undefined;
        if (message !== undefined) noteHeard(record, message, false);
      }
    }
  }

  private framerOf(record: NodeRecord, connection: number): StreamFramer {
    const own = this.framers.get(record) ?? new Map<number, StreamFramer>();
    this.framers.set(record, own);
    const framer = own.get(connection) ?? new StreamFramer();
    own.set(connection, framer);
    return framer;
  }

  private judge(record: NodeRecord, output: Step['outputs'][number], nowMs: number): void {
    switch (output.type) {
      case 'send': {
        const { flow, bytes } = output;
        this.hash.update(`${nowMs} ${record.node.name} ${flow.transport} ${formatAddress(flow.remote)} `);
        this.hash.update(bytes);
        const message = readWire(bytes);
        if (message === undefined) return;
        this.messages += 1;
        this.trace?.(`${nowMs} ${record.node.name} → ${formatAddress(flow.remote)} ${told(message)}`);
        for (const invariant of message.status === 0 ? OF_REQUESTS_SENT : OF_RESPONSES_SENT) {
          this.note(record, nowMs, invariant(record, message));
        }
        return noteSent(record, message);
      }
      case 'event': {
        const { event } = output;
        this.hash.update(`${nowMs} ${record.node.name} ${JSON.stringify(event)}`);
        this.trace?.(`${nowMs} ${record.node.name} ${JSON.stringify(event)}`);
        if (event.type === 'call.changed') {
          for (const invariant of OF_CALLS) this.note(record, nowMs, invariant(record, event));
        }
        if (event.type === 'transaction.changed') {
          for (const invariant of OF_TRANSACTIONS) this.note(record, nowMs, invariant(record, event));
        }
        return noteEvent(record, event);
      }
      case 'media':
        if (output.command.type === 'open') record.portsOpened += 1;
        if (output.command.type === 'close') record.portsClosed += 1;
    }
  }

  private note({ node }: NodeRecord, nowMs: number, fault: string | undefined): void {
    if (fault === undefined || this.faults.length >= MAX_FAULTS) return;
    this.faults.push(`${nowMs} ms, ${node.name}: ${fault}`);
  }
}

/** A message on one line. */
function told({ text, callId, number, method, branch }: WireMessage): string {
  return `${text.slice(0, text.indexOf('\r'))} | ${callId} ${number} ${method} ${branch}`;
}
