/**
 * One turn of the endpoint: the time, and what has been asked of the world so far. It is made for one input,
 * handed down through the layers, and read at the end: results come back as data, no callback climbs a layer.
 */
import type { EventBody } from '../events.ts';
import type { Output } from './endpoint-io.ts';

export class Turn {
  readonly outputs: Output[] = [];

  constructor(readonly nowMs: number) {}

  emit(event: EventBody): void {
    this.outputs.push({ type: 'event', event });
  }

  ask(output: Output): void {
    this.outputs.push(output);
  }
}
