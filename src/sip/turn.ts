/**
 * One turn of the endpoint: the time, and what has been asked of the world so far. It is made for one input,
 * handed down through the layers, and read at the end: results come back as data, no callback climbs a layer.
 */
import type { EventBody } from '../events.ts';
import type { Output } from './endpoint-io.ts';
import type { RejectionLimit } from './rejection-limit.ts';

const NOTHING: ReadonlySet<EventBody['type']> = new Set();

/** Lives for one input; nobody keeps it. */
export class Turn {
  readonly outputs: Output[] = [];

  constructor(
    readonly nowMs: number,
    private readonly unwanted: ReadonlySet<EventBody['type']> = NOTHING,
    private readonly rejections?: RejectionLimit,
  ) {}

  /** Whether somebody reads events of that type. Those of every message ask first: the rest just emit. */
  wants(type: EventBody['type']): boolean {
    return !this.unwanted.has(type);
  }

  emit(event: EventBody): void {
    if (!this.wants(event.type)) return;
    if (event.type === 'sip.rejected' && this.rejections?.takes(event, this.nowMs) === false) return;
    this.say(event);
  }

  /** Says it, however much of its kind was said. */
  say(event: EventBody): void {
    this.outputs.push({ type: 'event', event });
  }

  ask(output: Output): void {
    this.outputs.push(output);
  }
}
