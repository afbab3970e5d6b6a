/**
 * The location service of a domain: where each of its users can be reached now (RFC 3261 §10.3, §16.5).
 *
 * The registrar writes it and the proxy reads it. Bindings live in memory and end by themselves, so that a phone
 * that left without a word is not called for ever.
 */
import type { Deadline } from './deadlines.ts';
import { Deadlines } from './deadlines.ts';
import { type Flow, flowName } from './flow.ts';
import { MAX_REPLACED_FLOWS } from './limits.ts';
import type { FlowBinding } from './outbound-binding.ts';
import { isSameFlow } from './outbound-binding.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';
import { parseUri } from './uri.ts';
import { uriEquals } from './uri-equals.ts';

/** One address at which a user is reached. */
export interface Binding {
  /** The Contact's. */
  readonly uri: string;
  /** Preference, 0 to 1 (§20.10). */
  readonly q: number;
  /** Values of Path, to be used as Route (RFC 3327 §5.3). */
  readonly path: readonly string[];
  /** Where its phone was heard, when that is the way to it and the Contact is not (contact-reach.ts). */
  readonly reach: Flow | undefined;
  /** The flow that it registers, which is `reach` then, or behind its Path (outbound-binding.ts). */
  readonly registered: FlowBinding | undefined;
  readonly expiresMs: number;
  /** What set it: a REGISTER of the same Call-ID must count up (§10.3 step 7). */
  readonly callId: string;
  readonly sequence: number;
}

/**
 * In seconds, rounded up from whole milliseconds: the clock has fractions, and the sum of time and duration would come
 * out as a second more than was asked for, which no registrar may grant (RFC 3261 §10.3).
 */
export function secondsLeft({ expiresMs }: Pick<Binding, 'expiresMs'>, nowMs: number): number {
  return Math.max(1, Math.ceil(Math.floor(expiresMs - nowMs) / 1000));
}

interface Entry {
  readonly user: string;
  readonly binding: Binding;
  readonly deadline: Deadline<Entry>;
}

/** The bindings of all users, with their times (§10.2.1). */
export class LocationService {
  private readonly entries = new Map<string, Entry[]>();
  private readonly deadlines = new Deadlines<Entry>();
  /** Flows that were bound, by name, and the one that their phone has registered in their place. */
  private readonly replaced = new Map<string, Flow>();

  /** `domain` names the users in events. */
  constructor(private readonly domain: string) {}

  nextMs(): number | undefined {
    return this.deadlines.nextMs();
  }

  /** Forgets what has expired. */
  advance(turn: Turn): void {
    for (
      let due = this.deadlines.takeDue(turn.nowMs);
      due !== undefined;
      due = this.deadlines.takeDue(turn.nowMs)
    ) {
      const { owner } = due;
      const left = (this.entries.get(owner.user) ?? []).filter((entry) => entry !== owner);
      this.keep(owner.user, left);
      this.report(turn, owner, 'expired');
    }
  }

  /** What is bound to a user and has not expired. */
  bindings(user: string, nowMs: number): Binding[] {
    const entries = this.entries.get(user) ?? [];
    return entries.flatMap(({ binding }) => (binding.expiresMs > nowMs ? [binding] : []));
  }

  /** Replaces what is bound to a user. A binding that stays must be the same object, or one of the same URI. */
  bind(turn: Turn, user: string, bindings: readonly Binding[]): void {
    const before = this.entries.get(user) ?? [];
    const after = bindings.map((binding): Entry => {
      const same = before.find((entry) => entry.binding === binding);
      if (same !== undefined) return same;
      const entry: { -readonly [K in keyof Entry]?: Entry[K] } = { user, binding };
      entry.deadline = this.deadlines.arm(binding.expiresMs, 'binding', entry as Entry);
      return entry as Entry;
    });
    this.keep(user, after);
    for (const entry of before) {
      if (after.includes(entry)) continue;
      this.deadlines.disarm(entry.deadline);
      if (!after.some(({ binding }) => isSame(binding, entry.binding))) this.report(turn, entry, 'removed');
    }
    for (const entry of after) {
      if (before.includes(entry)) continue;
      const known = before.some(({ binding }) => isSame(binding, entry.binding));
      this.report(turn, entry, known ? 'refreshed' : 'added');
    }
  }

  /** The way to the phone whose Contact that is, when it is not the Contact's own, and nobody disputes it. */
  reachOf(uri: string): Flow | undefined {
    const ways = this.bindingsOf((binding) => binding.uri === uri).map(({ binding }) => binding.reach);
    const [first] = ways;
    const name = first === undefined ? undefined : flowName(first);
    return ways.every((way) => way !== undefined && flowName(way) === name) ? first : undefined;
  }

  /**
   * The flow of a phone that was registered last: its Contact in a dialog may have `ob` besides (RFC 5626 §4.3). None
   * when several users claim that Contact.
   */
  newFlowOf(contact: string): Flow | undefined {
    const claims = this.bindingsOf(({ registered, reach, uri }) => {
      return registered !== undefined && reach !== undefined && sameUri(uri, contact);
    });
    const [first, last] = [claims[0], claims.at(-1)];
    return claims.every(({ user }) => user === first?.user) ? last?.binding.reach : undefined;
  }

  /**
   * Where the phone is now that was on that flow: it may have registered the same one anew, over another connection or
   * through a NAT that maps it elsewhere (RFC 5626 §6), and the old one is open for us alone.
   */
  flowNow(flow: Flow): Flow {
    return this.replaced.get(flowName(flow)) ?? flow;
  }

  private replace(before: readonly Entry[], after: readonly Entry[]): void {
    for (const { binding: old } of before) {
      const { registered, reach } = old;
      if (registered === undefined || reach === undefined) continue;
      const heir = after.find(({ binding }) => isSameFlow(binding.registered, registered))?.binding.reach;
      const name = flowName(reach);
      if (heir === undefined || flowName(heir) === name || this.isBound(reach)) continue;
      for (const [older, now] of this.replaced) if (flowName(now) === name) this.replaced.set(older, heir);
      const [oldest] = this.replaced.keys();
      if (this.replaced.size >= MAX_REPLACED_FLOWS && oldest !== undefined) this.replaced.delete(oldest);
      this.replaced.set(name, heir);
    }
  }

  /** A flow that is bound again is its own; one whose phone has gone has none in its place. */
  private prune(before: readonly Entry[], after: readonly Entry[]): void {
    if (this.replaced.size === 0) return;
    for (const { binding } of after)
      if (binding.reach !== undefined) this.replaced.delete(flowName(binding.reach));
    for (const { binding } of before) {
      const { reach } = binding;
      if (reach === undefined || this.isBound(reach)) continue;
      for (const [older, now] of this.replaced)
        if (flowName(now) === flowName(reach)) this.replaced.delete(older);
    }
  }

  private isBound(flow: Flow): boolean {
    const name = flowName(flow);
    return this.bindingsOf(({ reach }) => reach !== undefined && flowName(reach) === name).length > 0;
  }

  /** Of all users: a Contact is written by whoever registers, and may be somebody else's. */
  private bindingsOf(wanted: (binding: Binding) => boolean): Entry[] {
    const found: Entry[] = [];
    for (const entries of this.entries.values()) {
      for (const entry of entries) if (wanted(entry.binding)) found.push(entry);
    }
    return found;
  }

  /**
   * A connection is gone, and with it the bindings of its flow (RFC 5626 §5.3): their phone comes back over another. A
   * binding of an address stays, as it may be reached there.
   */
  connectionLost(turn: Turn, connection: number): void {
    for (const [user, entries] of [...this.entries]) {
      const left = entries.filter(({ binding }) => {
        return binding.registered === undefined || binding.reach?.connection !== connection;
      });
      if (left.length < entries.length) this.drop(turn, user, entries, left);
    }
  }

  /** The flow of a phone is gone, as the proxy at the end of that Path says (430), which speaks for no other way. */
  flowFailed(turn: Turn, uri: string, flow: FlowBinding, path: readonly string[]): void {
    for (const [user, entries] of [...this.entries]) {
      const left = entries.filter(({ binding }) => {
        const same = binding.uri === uri && binding.path.join() === path.join();
        return !same || !isSameFlow(binding.registered, flow);
      });
      if (left.length < entries.length) this.drop(turn, user, entries, left);
    }
  }

  private drop(turn: Turn, user: string, entries: readonly Entry[], left: Entry[]): void {
    this.keep(user, left);
    for (const entry of entries) {
      if (left.includes(entry)) continue;
      this.deadlines.disarm(entry.deadline);
      this.report(turn, entry, 'removed');
    }
  }

  /** Whether a phone is reached over that connection. */
  uses(connection: number): boolean {
    for (const entries of this.entries.values()) {
      for (const { binding } of entries) if (binding.reach?.connection === connection) return true;
    }
    return false;
  }

  private keep(user: string, entries: Entry[]): void {
    const before = this.entries.get(user) ?? [];
    if (entries.length === 0) this.entries.delete(user);
    else this.entries.set(user, entries);
    this.replace(before, entries);
    this.prune(before, entries);
  }

  private report(
    turn: Turn,
    { user, binding }: Entry,
    change: 'added' | 'refreshed' | 'removed' | 'expired',
  ): void {
    const lasting = change === 'added' || change === 'refreshed';
    turn.emit({
      type: 'binding.changed',
      addressOfRecord: displayText(`sip:${user}@${this.domain}`),
      contact: displayText(binding.uri),
      change,
      ...(lasting ? { expiresS: secondsLeft(binding, turn.nowMs) } : undefined),
    });
  }
}

/** Whether one stands for the other: by its flow, else by its address (RFC 5626 §6). */
function isSame(one: Binding, other: Binding): boolean {
  return isSameFlow(one.registered, other.registered) || one.uri === other.uri;
}

/** §19.1.4. */
export function sameUri(a: string, b: string): boolean {
  const left = parseUri(a);
  const right = parseUri(b);
  return left.ok && right.ok && uriEquals(left.value, right.value);
}
