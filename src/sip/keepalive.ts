/**
 * Keeping the way to a registrar open (RFC 5626 §3.5, §4.4): something small on the flow of a registration, so that no
 * NAT forgets it, and whose answer tells that the flow is alive. keepalive-kind.ts says what is sent where.
 *
 * A flow is dead when an answer is owed and does not come: to OPTIONS that were asked for by name always, to everything
 * else when the server has answered it before, or speaks RFC 5626, which promises line breaks and STUN. A server that
 * never answered may not know them, and closing its connections would be worse than not to know.
 */
import { type Attempt, FIRST_ATTEMPT } from '../auth/credentials.ts';
import { BindingClient } from '../stun/binding-client.ts';
import type { StunMessage } from '../stun/message.ts';
import { type Deadline, Deadlines } from './deadlines.ts';
import { type Flow, flowName, formatAddress, isReliable, type SocketAddress } from './flow.ts';
import { Identifiers } from './identifiers.ts';
import { KeepaliveAnswers } from './keepalive-answers.ts';
import { type KeepaliveKind, keepaliveKind } from './keepalive-kind.ts';
import {
  type About,
  type Asker,
  askerOf,
  attemptAfter,
  isChallenge,
  type OptionsKeepalive,
  type Registered,
  sendKeepaliveOptions,
} from './keepalive-options.ts';
import type { SipResponse } from './message.ts';
import { diagnoseStunless } from './registration-diagnosis.ts';
import type { Frame } from './stream-framing.ts';
import type { Indication } from './transaction.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/** §4.4.1: how long an answer may take, in ms; no longer than the interval, so that two of them tell. */
const ANSWER_MS = 10_000;
/** Tells the seed of the jitter from that of the identifiers. */
const JITTER = 0x5626;

/** A flow that is gone, and why, for people. */
export interface DeadFlow {
  readonly flow: Flow;
  readonly reason: string;
}

interface Kept {
  readonly flow: Flow;
  /** Who asks with OPTIONS. */
  asker: Registered;
  /** Its server wants to know who: OPTIONS carry credentials from then on. */
  challenged: boolean;
  intervalMs: number;
  timer: Deadline<Kept> | undefined;
  /** What is out, and nothing was heard since. */
  waiting: KeepaliveKind | undefined;
  options: OptionsKeepalive | undefined;
  /** Where its server saw us, by STUN. */
  mapped: SocketAddress | undefined;
}

/** The flows that are kept open, each once, however many accounts are on it. */
export class Keepalives {
  private readonly kept = new Map<string, Kept>();
  private readonly deadlines = new Deadlines<Kept>();
  private readonly answering = new KeepaliveAnswers();
  private dead: DeadFlow[] = [];

  /** Its own: when a ping happens to be due must not change the identifiers of the call that follows. */
  private readonly own: Identifiers;
  private readonly stun: BindingClient<Kept>;

  constructor(private readonly agent: UserAgent) {
    const [first, ...rest] = agent.config.seed;
    this.own = new Identifiers([first ^ JITTER, ...rest]);
    this.stun = new BindingClient(() => this.own.word());
  }

  nextMs(): number | undefined {
    const [dueMs, againMs] = [this.deadlines.nextMs(), this.stun.nextMs()];
    return dueMs === undefined || (againMs !== undefined && againMs < dueMs) ? againMs : dueMs;
  }

  /**
   * A registration of that account stands on that flow. `flowTimerMs`: what its server wants at least (§4.4). On UDP
   * nothing has to be kept within our own network, unless it was asked for, or the registrar calls over the flow; beyond
   * it a firewall may stand that forgets as a NAT does, over IPv6 too.
   */
  keep(turn: Turn, flow: Flow, asker: Registered, flowTimerMs?: number): void {
    const { keepaliveMs = 0 } = this.agent.config;
    if (keepaliveMs === 0 || !this.isWorth(flow)) return;
    const intervalMs = Math.min(keepaliveMs, flowTimerMs ?? keepaliveMs);
    const known = this.kept.get(flowName(flow));
    if (known !== undefined) {
      known.intervalMs = intervalMs;
      known.asker = asker;
      return;
    }
    const kept: Kept = {
      flow,
      asker,
      challenged: false,
      intervalMs,
      timer: undefined,
      waiting: undefined,
      options: undefined,
      mapped: undefined,
    };
    this.kept.set(flowName(flow), kept);
    this.armNext(turn, kept);
  }

  /** Something whole came on a stream: it is alive. A line break that is no half of a ping is a pong. */
  heard(turn: Turn, flow: Flow, frames: readonly Frame[]): void {
    if (this.kept.size === 0 || frames.length === 0) return;
    const kept = this.kept.get(flowName(flow));
    if (kept?.waiting !== 'crlf') return;
    const types = new Set(frames.map(({ type }) => type));
    if (types.has('pong') && !types.has('ping')) this.answering.remember('crlf', kept.flow, true);
    this.alive(turn, kept);
  }

  /**
   * What became of an OPTIONS: any final response is a sign of life (RFC 3261 §11.1), and its Via shows how a NAT maps us
   * now (RFC 3581 §4). A challenge is answered at once; to a server whose challenge cannot be, line breaks go from now on.
   */
  indicated(turn: Turn, options: OptionsKeepalive, indication: Indication<unknown>): void {
    const kept = this.kept.get(flowName(options.flow));
    if (kept?.options !== options) return;
    if (indication.type === 'response') {
      const { response } = indication;
      if (response.status < 200) return;
      const attempt = this.attemptAfter(askerOf(kept.asker), options, response);
      this.answering.remember('options', kept.flow, attempt !== undefined || !isChallenge(response));
      if (kept.waiting === 'options') this.alive(turn, kept);
      this.agent.own.learnMapping(turn, kept.flow, response);
      if (attempt === undefined) return;
      kept.challenged = true;
      return this.sendOptions(turn, kept, attempt);
    }
    // That of one that was sent again with credentials: the next one will tell.
    if (kept.waiting !== 'options') return;
    this.bury(kept, indication.type === 'timeout' ? NO_ANSWER.options : indication.error);
  }

  /**
   * An answer to STUN; false when it is none to ours. A mapping that is another one than before is a flow that failed
   * (§4.4.2): what was registered leads to a hole that is closed.
   */
  heardStun(turn: Turn, message: StunMessage, source: SocketAddress): boolean {
    const answered = this.stun.receive(message, source);
    if (answered === undefined) return false;
    const { owner: kept, verdict } = answered;
    this.answering.remember('stun', kept.flow, true);
    if (verdict.type === 'mapped') {
      const { mapped: before } = kept;
      kept.mapped = verdict.mapped;
      if (before !== undefined && formatAddress(before) !== formatAddress(verdict.mapped)) {
        const shown = `${formatAddress(verdict.mapped)} now, and ${formatAddress(before)} before`;
        this.bury(kept, `the NAT shows us as ${shown}`);
        return true;
      }
    }
    this.alive(turn, kept);
    return true;
  }

  /** OPTIONS for the way of a call: its identifiers come from here, as those of all keepalives. */
  ask(turn: Turn, asker: Asker, flow: Flow, about: About, before?: OptionsKeepalive): OptionsKeepalive {
    return sendKeepaliveOptions(this.agent, this.own, turn, asker, flow, before, about);
  }

  /** The credentials that a response to OPTIONS asks for, when they are to be had. */
  attemptAfter(asker: Asker, options: OptionsKeepalive, response: SipResponse): Attempt | undefined {
    return attemptAfter(asker, options, response, this.own);
  }

  /** An ICMP error: nobody listens at the other end of a flow over UDP. */
  unreachable(remote: SocketAddress, error: string): void {
    const kept = this.kept.get(flowName({ transport: 'udp', remote }));
    if (kept !== undefined) this.bury(kept, error);
  }

  /** The flows that turned out to be dead; each is said once. */
  takeDead(): readonly DeadFlow[] {
    const { dead } = this;
    if (dead.length > 0) this.dead = [];
    return dead;
  }

  /** Sends what is due on flows that are `needed` still. */
  advance(turn: Turn, needed: (flow: Flow) => boolean): void {
    for (const step of this.stun.advance(turn.nowMs)) {
      if (step.type === 'send') turn.ask({ type: 'send', flow: step.owner.flow, bytes: step.bytes });
    }
    for (
      let due = this.deadlines.takeDue(turn.nowMs);
      due !== undefined;
      due = this.deadlines.takeDue(turn.nowMs)
    ) {
      const { owner: kept, name } = due;
      if (!needed(kept.flow) || !this.isWorth(kept.flow)) this.forget(kept);
      else if (name === 'keepalive') this.send(turn, kept);
      else this.unanswered(turn, kept);
    }
  }

  private isWorth(flow: Flow): boolean {
    if (isReliable(flow.transport) || this.agent.outbound.has(flow)) return true;
    const { config, own } = this.agent;
    if (config.keepaliveBy !== undefined || own.mappingTowards(flow) !== undefined) return true;
    return !own.isOnLink(flow.remote.address);
  }

  private send(turn: Turn, kept: Kept): void {
    const { flow } = kept;
    const kind = this.kindOf(kept);
    if (kept.waiting === 'stun' && kind === 'stun') this.stunUnanswered(turn, kept);
    kept.waiting = kind;
    if (kind === 'options') {
      this.sendOptions(turn, kept, kept.challenged ? FIRST_ATTEMPT : undefined);
    } else if (kind === 'stun') {
      const { bytes } = this.stun.ask(kept, flow.remote, turn.nowMs);
      turn.ask({ type: 'send', flow, bytes });
    } else this.agent.transport.ping(turn, flow);
    if (kind === 'crlf' && !isReliable(flow.transport)) kept.waiting = undefined;
    if (!this.awaitsAnswer(kept, kind)) return this.armNext(turn, kept);
    const inMs = Math.min(ANSWER_MS, kept.intervalMs);
    kept.timer = this.deadlines.arm(turn.nowMs + inMs, 'keepalive answer', kept);
  }

  private sendOptions(turn: Turn, kept: Kept, attempt: Attempt | undefined): void {
    const about = attempt === undefined ? {} : { attempt };
    const { asker, flow, options } = kept;
    kept.options = sendKeepaliveOptions(this.agent, this.own, turn, askerOf(asker), flow, options, about);
  }

  private kindOf({ flow }: Kept): KeepaliveKind {
    return keepaliveKind(flow, this.agent.config.keepaliveBy, {
      outbound: this.agent.outbound.has(flow),
      silent: { stun: this.isSilent('stun', flow), options: this.isSilent('options', flow) },
    });
  }

  private isSilent(kind: KeepaliveKind, flow: Flow): boolean {
    return this.answering.of(kind, flow) === false;
  }

  /** Whether an answer is waited for. */
  private awaitsAnswer({ flow }: Kept, kind: KeepaliveKind): boolean {
    if (kind === 'options') return true;
    if (kind === 'crlf' && !isReliable(flow.transport)) return false;
    return this.answering.of(kind, flow) ?? this.agent.outbound.has(flow);
  }

  private unanswered(turn: Turn, kept: Kept): void {
    const kind = kept.waiting;
    if (kind === undefined) return this.armNext(turn, kept);
    const first = this.answering.of(kind, kept.flow) === undefined;
    const byName = kind === 'options' && this.agent.config.keepaliveBy === 'options';
    // A promise that is not kept costs one connection, and is not believed again.
    if (first && !byName) this.answering.remember(kind, kept.flow, false);
    this.drop(turn, kept);
    if (kind !== 'options' || byName || !first) return this.bury(kept, NO_ANSWER[kind]);
    // Nobody promised to answer OPTIONS: line breaks from now on.
    kept.waiting = undefined;
    this.armNext(turn, kept);
  }

  /** Asked for by `--keepalive-by stun`, of a server that promised nothing: the NAT is kept open, and no more is known. */
  private stunUnanswered(turn: Turn, kept: Kept): void {
    if (this.answering.of('stun', kept.flow) !== undefined) return;
    this.answering.remember('stun', kept.flow, false);
    diagnoseStunless(turn, kept.asker.account, formatAddress(kept.flow.remote));
  }

  private alive(turn: Turn, kept: Kept): void {
    kept.waiting = undefined;
    if (kept.timer?.name !== 'keepalive answer') return;
    this.deadlines.disarm(kept.timer);
    this.armNext(turn, kept);
  }

  private bury(kept: Kept, reason: string): void {
    this.forget(kept);
    this.dead.push({ flow: kept.flow, reason });
  }

  private forget(kept: Kept): void {
    this.stun.forget(kept);
    this.deadlines.disarm(kept.timer);
    this.kept.delete(flowName(kept.flow));
  }

  /** A question whose answer nobody waits for any more is not sent again. */
  private drop(turn: Turn, kept: Kept): void {
    this.stun.forget(kept);
    const { options } = kept;
    if (options?.transaction !== undefined)
      this.agent.transactions.abandon(turn, options.transaction, 'no answer to a keepalive');
  }

  /** §4.4.1: between 80 and 100 per cent of the interval, so that many clients do not ping at one time. */
  private armNext(turn: Turn, kept: Kept): void {
    const inMs = Math.round(kept.intervalMs * (0.8 + 0.2 * this.own.fraction()));
    kept.timer = this.deadlines.arm(turn.nowMs + inMs, 'keepalive', kept);
  }
}

const NO_ANSWER: Readonly<Record<KeepaliveKind, string>> = {
  crlf: 'the server does not answer keepalives any more',
  stun: 'the server does not answer STUN any more',
  options: 'the server does not answer OPTIONS',
};
