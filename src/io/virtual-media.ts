/**
 * The media thread of a virtual network: hands out ports, takes them back, and counts what a test tells it to.
 *
 * It is stricter than the real one: an engine that opens a port twice, or closes what is not open, has lost track
 * of a call, and that is thrown at once.
 */
import { type MediaCommand, type MediaCounters, type MediaSession, NOTHING_COUNTED } from '../rtp/session.ts';

export class VirtualMedia {
  /** What is open, by slot. */
  readonly open = new Map<number, MediaSession>();
  /** Every command, in order. */
  readonly commands: MediaCommand[] = [];
  private readonly counters = new Map<number, MediaCounters>();

  /** `ports`: its whole range. */
  constructor(readonly ports: readonly number[]) {}

  /** Carries a command out. The port that came free by it, to be reported. */
  command(command: MediaCommand): number | undefined {
    this.commands.push(command);
    if (command.type === 'close') {
      const session = this.open.get(command.slot);
      if (session === undefined) throw new Error(`slot ${command.slot} is closed and not open`);
      this.open.delete(command.slot);
      return session.port;
    }
    if (command.type === 'dtmf') {
      if (this.open.get(command.slot)?.mode?.type !== 'talk')
        throw new Error(`keys are pressed on slot ${command.slot}, which does not talk`);
      return undefined;
    }
    const { session } = command;
    const { slot, port } = session;
    if (!this.ports.includes(port)) throw new Error(`port ${port} was never handed out`);
    if (command.type === 'update') {
      if (this.open.get(slot)?.port !== port)
        throw new Error(`slot ${slot} is updated and not open on ${port}`);
    } else {
      if (this.open.has(slot)) throw new Error(`slot ${slot} is opened twice`);
      if ([...this.open.values()].some((other) => other.port === port)) {
        throw new Error(`port ${port} is opened twice`);
      }
      this.counters.delete(slot);
    }
    this.open.set(slot, session);
    return undefined;
  }

  /** What a slot has counted. */
  read(slot: number): MediaCounters {
    return this.counters.get(slot) ?? NOTHING_COUNTED;
  }

  /** Adds to what a slot has counted. */
  count(slot: number, more: Partial<MediaCounters>): void {
    const sum: Record<string, number> = { ...this.read(slot) };
    for (const [name, value] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + value;
    this.counters.set(slot, { ...NOTHING_COUNTED, ...sum });
  }
}
