/**
 * The media thread of a virtual network: hands out ports, takes them back, and counts what a test tells it to.
 *
 * It is stricter than the real one: an engine that opens a port twice, or closes what is not open, has lost track
 * of a call, and that is thrown at once.
 */
import {
  type MappedPort,
  type MediaCommand,
  type MediaCounters,
  type MediaReport,
  type MediaSession,
  NOTHING_COUNTED,
} from '../rtp/session.ts';

export class VirtualMedia {
  /** What is open, by slot. */
  readonly open = new Map<number, MediaSession>();
  /** Every command, in order. */
  readonly commands: MediaCommand[] = [];
  /** How a NAT shows its ports to whichever STUN server; nothing while undefined. */
  sees: ((port: number) => MappedPort) | undefined;
  private readonly counters = new Map<number, MediaCounters>();

  /** `ports`: its whole range. */
  constructor(readonly ports: readonly number[]) {}

  /** Carries a command out. What there is to be reported of it. */
  command(command: MediaCommand): MediaReport[] {
    this.commands.push(command);
    if (command.type === 'close') {
      const session = this.open.get(command.slot);
      if (session === undefined) throw new Error(`slot ${command.slot} is closed and not open`);
      this.open.delete(command.slot);
      return [{ type: 'ports', ports: [session.port] }];
    }
    if (command.type === 'dtmf') {
      if (this.open.get(command.slot)?.mode?.type !== 'talk')
        throw new Error(`keys are pressed on slot ${command.slot}, which does not talk`);
      return [];
    }
    if (command.type === 'stun') {
      const { sees } = this;
      const asked = command.server !== undefined && sees !== undefined;
      return this.ports.map((port) => ({
        type: 'port-mapped',
        port,
        ...(asked ? { mapped: sees(port) } : {}),
      }));
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
    return [];
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
