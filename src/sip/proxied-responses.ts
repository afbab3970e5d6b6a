/**
 * What comes back to a stateful proxy, and what it does with it (RFC 3261 §16.7 to §16.9): responses passed on or
 * kept, the best of them chosen, the ways that are not needed any more cancelled, the next ones tried.
 */
import { bestResponse } from './best-response.ts';
import { launch, sendTo, TIMER_C_MS } from './forwarding.ts';
import type { SipResponse } from './message.ts';
import { outgoing } from './outgoing.ts';
import type { ProxyState } from './proxy-state.ts';
import { reasonFor } from './reason.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { cancelFor } from './requests.ts';
import { allDone, newBranch, type ProxyBranch, type ResponseContext } from './response-context.ts';
import { buildResponse, type HeaderLine, serialize } from './serialize-message.ts';
import { answers, type FoundServers } from './server-location.ts';
import { displayText } from './text.ts';
import { type Indication, transactionId } from './transaction.ts';
import type { Turn } from './turn.ts';
import { withoutTopVia } from './via.ts';

/** Tries the next group of targets; answers when none of them can be reached at all. */
export function tryNext(proxy: ProxyState, turn: Turn, context: ResponseContext): void {
  const [group = [], ...rest] = context.untried;
  context.untried = rest;
  const breadth = Math.floor(context.breadth / group.length);
  const branches = group.map((target) => newBranch(context, target, breadth));
  context.branches.push(...branches);
  for (const branch of branches) {
    const wrong = launch(proxy, turn, branch);
    if (wrong !== undefined) giveUp(proxy, turn, branch, 503, wrong);
  }
  finishIfDone(proxy, turn, context);
}

/**
 * Another flow to the same phone, when this one has failed: gone, silent, or unknown to the proxy that keeps it (RFC
 * 5626 §7). What the phone itself answers speaks for all of its flows.
 */
function tryOtherFlow(proxy: ProxyState, turn: Turn, branch: ProxyBranch): boolean {
  const { context, target, breadth } = branch;
  const [next, ...rest] = target.otherFlows ?? [];
  if (next === undefined || branch.cancel !== undefined || context.answered) return false;
  done(proxy, branch);
  const another = newBranch(context, { ...next, otherFlows: rest }, breadth);
  context.branches.push(another);
  const wrong = launch(proxy, turn, another);
  if (wrong !== undefined && !tryOtherFlow(proxy, turn, another)) {
    giveUp(proxy, turn, another, 503, wrong);
    finishIfDone(proxy, turn, context);
  }
  return true;
}

/** The name of a next hop was looked up. */
export function nameResolved(proxy: ProxyState, turn: Turn, found: FoundServers): void {
  for (const waiting of [...proxy.waiting]) {
    const { hop, onward, what } = waiting;
    if (!answers(found, hop)) continue;
    proxy.waiting.delete(waiting);
    if (what.kind === 'branch' && what.state !== 'resolving') continue;
    const [server, ...others] = proxy.agent.serversOf(turn, hop, found);
    if (what.kind === 'branch') what.others = others.map((one) => ({ server: one, onward }));
    if (server !== undefined) sendTo(proxy, turn, what, onward, server);
    else if (what.kind === 'branch') {
      giveUp(proxy, turn, what, 503, found.error ?? `${found.host} has no address`);
      finishIfDone(proxy, turn, what.context);
    }
  }
}

/** What the client transaction of a branch has to say. */
export function branchIndicated(
  proxy: ProxyState,
  turn: Turn,
  branch: ProxyBranch,
  indication: Indication<unknown>,
): void {
  // The answer to a CANCEL says nothing: what counts is the final response of the INVITE (§9.1).
  if (indication.transaction.method === 'CANCEL') return;
  if (indication.type === 'response') {
    const { response } = indication;
    if (response.status < 200) return provisional(proxy, turn, branch, response);
    return final(proxy, turn, branch, response);
  }
  if (branch.state === 'done') return;
  const timedOut = indication.type === 'timeout';
  if (tryOther(proxy, turn, branch) || tryOtherFlow(proxy, turn, branch)) return;
  giveUp(proxy, turn, branch, timedOut ? 408 : 503, timedOut ? 'no answer in time' : indication.error);
  finishIfDone(proxy, turn, branch.context);
}

/** The next server of the same hop (RFC 3263 §4.3), when there is one and the request is still wanted. */
function tryOther(proxy: ProxyState, turn: Turn, branch: ProxyBranch): boolean {
  const [next, ...rest] = branch.others;
  if (next === undefined || branch.state === 'done' || branch.cancel !== undefined) return false;
  if (branch.context.answered) return false;
  branch.others = rest;
  proxy.deadlines.disarm(branch.timer);
  branch.timer = undefined;
  sendTo(proxy, turn, branch, next.onward, next.server);
  return true;
}

function provisional(proxy: ProxyState, turn: Turn, branch: ProxyBranch, response: SipResponse): void {
  const { context } = branch;
  if (branch.state === 'done' || context.request.method !== 'INVITE') return;
  branch.state = 'proceeding';
  if (branch.cancel !== undefined) return sendCancel(proxy, turn, branch, branch.cancel);
  // §16.7 step 2: 100 says nothing of the phone. §16.7 step 5: and it is for us alone.
  if (response.status === 100) return;
  arm(proxy, turn, branch, TIMER_C_MS);
  const passedOn = withoutTopVia(response);
  if (passedOn === undefined || context.answered) return;
  proxy.agent.transactions.respond(turn, context.server, passedOn.status, serialize(passedOn));
}

function final(proxy: ProxyState, turn: Turn, branch: ProxyBranch, response: SipResponse): void {
  const { context } = branch;
  const invite = context.request.method === 'INVITE';
  const again = branch.state === 'done';
  // §16.7 step 5: every 2xx to an INVITE, however often it comes; of anything else the first alone.
  if (again && !(invite && response.status < 300)) return;
  if (response.status === 503 && tryOther(proxy, turn, branch)) return;
  if (isFlowFailure(proxy, turn, branch, response) && tryOtherFlow(proxy, turn, branch)) return;
  done(proxy, branch);
  const passedOn = withoutTopVia(response) ?? ownAnswer(proxy, context, 500, 'the response has one Via');
  if (passedOn.status < 300) {
    if (invite || !context.answered) passOn(proxy, turn, context, passedOn);
    return cancelAll(proxy, turn, context, reasonFor('answered elsewhere'));
  }
  context.finals.push(passedOn);
  if (passedOn.status >= 600) cancelAll(proxy, turn, context, reasonFor('declined elsewhere'));
  finishIfDone(proxy, turn, context);
}

/** RFC 5626 §7, §11.5: a 430 ends the binding of its flow; a 408 says that nobody is at the end of it. */
function isFlowFailure(proxy: ProxyState, turn: Turn, branch: ProxyBranch, { status }: SipResponse): boolean {
  const { registered, uri, path } = branch.target;
  if (registered === undefined || branch.state === 'done') return false;
  if (status === 430) proxy.location.flowFailed(turn, uri, registered, path);
  return status === 430 || status === 408;
}

/** Timer C, or nobody answered our CANCEL with a final response of the INVITE (§16.8, §9.1). */
export function branchDue(proxy: ProxyState, turn: Turn, branch: ProxyBranch): void {
  const { transaction, context } = branch;
  if (branch.state === 'done' || transaction === undefined) return;
  turn.emit({
    type: 'timer.fired',
    name: branch.timer?.name ?? 'C',
    transaction: transactionId(transaction),
  });
  if (branch.state === 'proceeding' && branch.cancel === undefined) {
    return cancelBranch(proxy, turn, branch, reasonFor('nobody answered'));
  }
  proxy.agent.transactions.abandon(turn, transaction, 'Timer C');
  giveUp(proxy, turn, branch, 408, 'no final response');
  finishIfDone(proxy, turn, context);
}

/** Takes back every way that has no final response, and tries no other (§16.7 step 10, §16.10). */
export function cancelAll(
  proxy: ProxyState,
  turn: Turn,
  context: ResponseContext,
  reason: readonly HeaderLine[],
): void {
  context.untried = [];
  if (context.request.method !== 'INVITE') return;
  for (const branch of context.branches) cancelBranch(proxy, turn, branch, reason);
}

function cancelBranch(
  proxy: ProxyState,
  turn: Turn,
  branch: ProxyBranch,
  reason: readonly HeaderLine[],
): void {
  if (branch.state === 'done' || branch.cancel !== undefined) return;
  branch.cancel = reason;
  if (branch.state === 'proceeding') return sendCancel(proxy, turn, branch, reason);
  if (branch.state !== 'resolving') return;
  done(proxy, branch);
  branch.context.finals.push(ownAnswer(proxy, branch.context, 487));
}

/** §9.1. A peer that answers the CANCEL and not the INVITE is waited for no longer than 64·T1. */
function sendCancel(proxy: ProxyState, turn: Turn, branch: ProxyBranch, reason: readonly HeaderLine[]): void {
  const { transaction } = branch;
  if (transaction === undefined || branch.timer?.name === 'CANCEL') return;
  const { core, flow, request } = transaction;
  const cancel = cancelFor(request, reason);
  // §9.1: one Via, ours, however many the request has.
  const about = { ...core, cseq: { ...core.cseq, method: 'CANCEL' }, viaCount: 1 };
  proxy.deadlines.disarm(branch.timer);
  const untilMs = turn.nowMs + 64 * proxy.agent.config.timers.t1Ms;
  branch.timer = proxy.deadlines.arm(untilMs, 'CANCEL', branch);
  proxy.agent.transactions.openClient(turn, cancel, about, flow, branch, undefined);
}

/** Answers once every way has its final response, or tries the next ones. */
export function finishIfDone(proxy: ProxyState, turn: Turn, context: ResponseContext): void {
  if (context.answered || !allDone(context)) return;
  if (context.untried.length > 0) return tryNext(proxy, turn, context);
  passOn(proxy, turn, context, bestResponse(context.finals) ?? ownAnswer(proxy, context, 408));
}

/** A final response goes back the way that its request came (§16.7 step 9). */
function passOn(proxy: ProxyState, turn: Turn, context: ResponseContext, response: SipResponse): void {
  const { agent, contexts } = proxy;
  const { server, core } = context;
  context.answered = true;
  contexts.delete(server);
  // RFC 4320 §4.2: who asked has given up as well by now, and a 408 would only meet the next request.
  if (response.status === 408 && server.method !== 'INVITE') {
    return agent.transactions.abandonServer(turn, server, 'no answer in time');
  }
  if (server.state !== 'terminated') {
    return agent.transactions.respond(turn, server, response.status, serialize(response));
  }
  // §16.7 step 9: a 2xx that came after Timer L finds no transaction, and goes back without one.
  const cseq = `${core.cseq.number} ${core.cseq.method}`;
  agent.transport.transmit(
    turn,
    server.flow,
    outgoing(response, core.callId, cseq, core.via.branch),
    undefined,
  );
}

/** A way that ends without a response counts as one that got this (§16.8, §16.9), and the person here is told why. */
function giveUp(proxy: ProxyState, turn: Turn, branch: ProxyBranch, status: 408 | 503, why: string): void {
  const { context, target } = branch;
  done(proxy, branch);
  context.finals.push(ownAnswer(proxy, context, status === 503 ? 500 : status, why));
  if (branch.cancel !== undefined) return;
  turn.emit({
    type: 'diagnosis.raised',
    code: 'target-unreachable',
    severity: 'warning',
    evidence: `${context.request.method} for ${displayText(target.uri)}: ${why}`,
    cause: 'the phone is gone, or its Contact is no address that can be reached from here',
    next: 'see that it runs and registers again; what it registered before stays until it expires',
  });
}

function done(proxy: ProxyState, branch: ProxyBranch): void {
  branch.state = 'done';
  proxy.deadlines.disarm(branch.timer);
  branch.timer = undefined;
}

function arm(proxy: ProxyState, turn: Turn, branch: ProxyBranch, forMs: number): void {
  proxy.deadlines.disarm(branch.timer);
  branch.timer = proxy.deadlines.arm(turn.nowMs + forMs, 'C', branch);
}

/** A final response of ours, as one that comes back would look here: its topmost Via is the caller's. */
function ownAnswer(
  { agent }: ProxyState,
  { request, core }: ResponseContext,
  status: number,
  why?: string,
): SipResponse {
  const reason = status === 500 && why !== undefined ? { reason: `${reasonPhrase(status)} (${why})` } : {};
  const toTag = core.toTag === undefined ? { toTag: agent.identifiers.tag() } : {};
  return buildResponse(request, status, {
    ...reason,
    ...toTag,
    headers: [['Server', agent.config.product]],
  });
}
