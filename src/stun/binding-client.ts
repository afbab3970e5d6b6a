/**
 * The client's half of Binding over UDP (RFC 8489 §6.2.1, §6.3.3): which questions are out, when each is sent again, and
 * whose an answer is. Deadlines, no timers; whoever drives it sends.
 *
 * Why an answer needs two proofs, our transaction id and the address that was asked: it decides where the calls of a
 * whole endpoint go, and anybody can send to its port.
 */
import { isSource } from './address.ts';
import { BINDING, CLASSIC_ATTRIBUTES, type StunAddress, type StunMessage } from './message.ts';
import { bindingRequest } from './write-stun.ts';

/** §6.2.1: the first wait, how often a request goes out, and how long the last one is waited for, in first waits. */
const RTO_MS = 500;
const RC = 7;
const RM = 16;

/** One request to be sent, for the first time or again. */
export interface BindingSend<Owner> {
  readonly type: 'send';
  readonly owner: Owner;
  readonly server: StunAddress;
  readonly bytes: Uint8Array;
  /** How often it has been sent, with this time. */
  readonly count: number;
}

/** What became due. */
export type BindingStep<Owner> =
  | BindingSend<Owner>
  /** Sent seven times and not answered for 39.5 s: the question is over. */
  | { readonly type: 'unanswered'; readonly owner: Owner; readonly server: StunAddress };

/** What a server said. */
export type BindingVerdict =
  /** `other`: where the same server can be asked once more, from elsewhere (RFC 5780 §7.4). */
  | { readonly type: 'mapped'; readonly mapped: StunAddress; readonly other?: StunAddress }
  /** §10: ask that one. */
  | { readonly type: 'elsewhere'; readonly server: StunAddress }
  /** An error, or an answer without an address; in words, not yet fit for a terminal. */
  | { readonly type: 'refused'; readonly detail: string };

interface Question<Owner> {
  readonly owner: Owner;
  readonly server: StunAddress;
  readonly bytes: Uint8Array;
  count: number;
  waitMs: number;
  dueMs: number;
}

/** Any number of questions, one for each `Owner`; whoever drives it bounds their number. */
export class BindingClient<Owner> {
  /** By transaction id. */
  private readonly open = new Map<string, Question<Owner>>();

  /** `word`: 32 bits that nobody can guess. */
  constructor(private readonly word: () => number) {}

  /** Questions that are out. */
  get size(): number {
    return this.open.size;
  }

  /** When `advance` wants to be called. */
  nextMs(): number | undefined {
    let next: number | undefined;
    for (const { dueMs } of this.open.values()) if (next === undefined || dueMs < next) next = dueMs;
    return next;
  }

  /** A new question; the one that its owner had out is forgotten. */
  ask(owner: Owner, server: StunAddress, nowMs: number): BindingSend<Owner> {
    this.forget(owner);
    const { transactionId, bytes } = bindingRequest([this.word(), this.word(), this.word()]);
    const question = { owner, server, bytes, count: 1, waitMs: RTO_MS, dueMs: nowMs + RTO_MS };
    this.open.set(transactionId, question);
    return { type: 'send', owner, server, bytes, count: 1 };
  }

  /** Its owner does not want to know any more. */
  forget(owner: Owner): void {
    for (const [id, question] of this.open) if (question.owner === owner) this.open.delete(id);
  }

  /** §6.2.1: 0, 500, 1500, 3500, 7500, 15500 and 31500 ms, the end at 39500 ms. */
  advance(nowMs: number): BindingStep<Owner>[] {
    const steps: BindingStep<Owner>[] = [];
    for (const [id, question] of this.open) {
      if (question.dueMs > nowMs) continue;
      const { owner, server, bytes } = question;
      if (question.count === RC) {
        this.open.delete(id);
        steps.push({ type: 'unanswered', owner, server });
        continue;
      }
      question.count += 1;
      question.waitMs *= 2;
      question.dueMs += question.count === RC ? RM * RTO_MS : question.waitMs;
      steps.push({ type: 'send', owner, server, bytes, count: question.count });
    }
    return steps;
  }

  /** Whose question a message answers, and how; undefined for what nobody asked, or another server says. */
  receive(
    message: StunMessage,
    source: StunAddress,
  ): { readonly owner: Owner; readonly verdict: BindingVerdict } | undefined {
    if (message.class === 'request' || message.class === 'indication') return undefined;
    const question = this.open.get(message.transactionId);
    if (question === undefined || message.method !== BINDING) return undefined;
    const { owner, server } = question;
    if (server.address !== source.address || server.port !== source.port) return undefined;
    this.open.delete(message.transactionId);
    return { owner, verdict: verdictOf(message, server) };
  }

  /** An ICMP error from there (§6.2.1): nobody will answer. Whose questions are over by it. */
  unreachable({ address, port }: StunAddress): Owner[] {
    const owners: Owner[] = [];
    for (const [id, { owner, server }] of this.open) {
      if (server.address !== address || server.port !== port) continue;
      this.open.delete(id);
      owners.push(owner);
    }
    return owners;
  }
}

/** §6.3.3 and §6.3.4. */
function verdictOf(message: StunMessage, asked: StunAddress): BindingVerdict {
  const { error, alternateServer, mapped, notUnderstood } = message;
  if (message.class === 'error') {
    if (error === undefined) return { type: 'refused', detail: 'an error without a code' };
    // §10: of the same family, and never back to where it came from.
    const other = alternateServer;
    if (error.code === 300 && other !== undefined && isSource(other) && isSameFamily(other, asked)) {
      const same = other.address === asked.address && other.port === asked.port;
      if (!same) return { type: 'elsewhere', server: other };
    }
    return { type: 'refused', detail: `${error.code} ${error.reason}`.trim() };
  }
  if (notUnderstood.some((type) => !CLASSIC_ATTRIBUTES.has(type)))
    return { type: 'refused', detail: 'an answer that cannot be understood' };
  if (mapped === undefined) return { type: 'refused', detail: 'an answer without an address' };
  // We would have every caller send there.
  if (!isSource(mapped) || !isSameFamily(mapped, asked)) {
    return {
      type: 'refused',
      detail: `an address that cannot be ours: ${mapped.address} port ${mapped.port}`,
    };
  }
  const other = message.otherAddress;
  const usable = other !== undefined && isSource(other) && isSameFamily(other, asked);
  return usable ? { type: 'mapped', mapped, other } : { type: 'mapped', mapped };
}

function isSameFamily(one: StunAddress, other: StunAddress): boolean {
  return one.address.includes(':') === other.address.includes(':');
}
