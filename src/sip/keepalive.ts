/**
 * Keeping the way to a registrar open (RFC 5626 §3.5, §4.4): two line breaks on the flow of a registration, so that
 * no NAT forgets it. On a stream the answer, one line break, tells that it is alive; a datagram has no answer.
 *
 * A flow is dead when its server is known to answer and does not within 10 s. A server that never answered may not know
 * the ping: RFC 5626 promises a pong from those alone that speak it, and closing their connections would be worse.
 */
import { type Deadline, Deadlines } from './deadlines.ts';
import { type Flow, formatAddress, isReliable } from './flow.ts';
import { Identifiers } from './identifiers.ts';
import { MAX_ACCOUNTS } from './limits.ts';
import type { Frame } from './stream-framing.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/** §4.4.1: how long a pong may take, in ms. */
const PONG_MS = 10_000;
/** Tells the seed of the jitter from that of the identifiers. */
const JITTER = 0x5626;

interface Kept {
  readonly flow: Flow;
  timer: Deadline<Kept> | undefined;
  /** A ping is out that nothing was heard since. */
  waiting: boolean;
}

/** The flows that are kept open, each once, however many accounts are on it. */
export class Keepalives {
  private readonly kept = new Map<string, Kept>();
  private readonly deadlines = new Deadlines<Kept>();
  /** Servers that have answered a ping, by transport and address. */
  private readonly answering = new Set<string>();

  /** Its own: when a ping happens to be due must not change the identifiers of the call that follows. */
  private readonly jitter: Identifiers;

  constructor(private readonly agent: UserAgent) {
    const [first, ...rest] = agent.config.seed;
    this.jitter = new Identifiers([first ^ JITTER, ...rest]);
  }

  nextMs(): number | undefined {
    return this.deadlines.nextMs();
  }

  /** A registration stands on that flow. On UDP nothing has to be kept where no NAT is. */
  keep(turn: Turn, flow: Flow): void {
    const { keepaliveMs = 0 } = this.agent.config;
    if (keepaliveMs === 0 || this.kept.has(nameOf(flow))) return;
    if (!isReliable(flow.transport) && this.agent.own.mappingTowards(flow) === undefined) return;
    const kept: Kept = { flow, timer: undefined, waiting: false };
    this.kept.set(nameOf(flow), kept);
    this.armPing(turn, kept);
  }

  /** Something whole came on a stream: it is alive. A line break that is no half of a ping is a pong. */
  heard(turn: Turn, flow: Flow, frames: readonly Frame[]): void {
    if (this.kept.size === 0 || frames.length === 0) return;
    const kept = this.kept.get(nameOf(flow));
    if (kept === undefined || !kept.waiting) return;
    kept.waiting = false;
    const types = new Set(frames.map(({ type }) => type));
    if (types.has('pong') && !types.has('ping')) this.remember(flow);
    if (kept.timer?.name !== 'pong') return;
    this.deadlines.disarm(kept.timer);
    this.armPing(turn, kept);
  }

  /** Pings what is due and still `needed`; the connections that gave no pong. */
  advance(turn: Turn, needed: (flow: Flow) => boolean): number[] {
    const dead: number[] = [];
    for (
      let due = this.deadlines.takeDue(turn.nowMs);
      due !== undefined;
      due = this.deadlines.takeDue(turn.nowMs)
    ) {
      const { flow } = due.owner;
      const alive = needed(flow);
      if (alive && due.name === 'ping') this.ping(turn, due.owner);
      else this.kept.delete(nameOf(flow));
      if (alive && due.name === 'pong' && flow.connection !== undefined) dead.push(flow.connection);
    }
    return dead;
  }

  private ping(turn: Turn, kept: Kept): void {
    const { flow } = kept;
    this.agent.transport.ping(turn, flow);
    kept.waiting = isReliable(flow.transport);
    if (!kept.waiting || !this.answering.has(serverOf(flow))) return this.armPing(turn, kept);
    kept.timer = this.deadlines.arm(turn.nowMs + PONG_MS, 'pong', kept);
  }

  /** §4.4.1: between 80 and 100 per cent of the interval, so that many clients do not ping at one time. */
  private armPing(turn: Turn, kept: Kept): void {
    const { keepaliveMs = 0 } = this.agent.config;
    const inMs = Math.round(keepaliveMs * (0.8 + 0.2 * this.jitter.fraction()));
    kept.timer = this.deadlines.arm(turn.nowMs + inMs, 'ping', kept);
  }

  private remember(flow: Flow): void {
    const oldest = this.answering.values().next().value;
    if (this.answering.size >= MAX_ACCOUNTS && oldest !== undefined) this.answering.delete(oldest);
    this.answering.add(serverOf(flow));
  }
}

function serverOf({ transport, remote }: Flow): string {
  return `${transport} ${formatAddress(remote)}`;
}

function nameOf(flow: Flow): string {
  return flow.connection === undefined ? serverOf(flow) : `connection ${flow.connection}`;
}
