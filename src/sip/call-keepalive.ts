/**
 * A call that we placed keeps its own way open over UDP (RFC 5626 §3.5): its 200 may come after minutes of ringing, its
 * BYE after an hour, and a NAT or a firewall forgets in half a minute.
 *
 * By OPTIONS, as a registration does: each answer shows how the NAT maps us (RFC 3581 §4), and another mapping than
 * before is told in a re-INVITE, or the BYE of the other side would go to a hole that is closed. Whoever does not answer,
 * or asks for credentials that it may not have, gets line breaks. Where a registration stands on the same flow, that one
 * does all of it (keepalive.ts).
 */
import { type Attempt, FIRST_ATTEMPT } from '../auth/credentials.ts';
import type { Call } from './call.ts';
import { digestTowards } from './call-credentials.ts';
import { moveCalls } from './call-move.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { type Flow, formatHost, isReliable } from './flow.ts';
import { type Asker, isChallenge, type OptionsKeepalive } from './keepalive-options.ts';
import { seenIn } from './mapped-address.ts';
import type { SipResponse } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { isOver } from './session-change.ts';
import type { Indication } from './transaction.ts';
import type { Turn } from './turn.ts';

/** Of the interval, as the shortest that a registration takes (RFC 5626 §4.4.1); no jitter, as calls begin at any time. */
const SHARE = 0.8;

/** What a call knows of its way. */
export interface CallKeepalive {
  /** The OPTIONS that was sent last. */
  readonly options: OptionsKeepalive;
  readonly asker: Asker;
  /** Not, too, where credentials were asked for and are not to be had: line breaks go then. */
  answered: boolean;
}

/** An INVITE of ours has been sent: the next keepalive is due an interval later. */
export function keepCallOpen({ agent, calls }: EndpointParts, turn: Turn, call: Call): void {
  const { keepaliveMs = 0 } = agent.config;
  const flow = call.told?.flow;
  if (keepaliveMs === 0 || flow === undefined || isReliable(flow.transport)) return;
  if (agent.own.isOnLink(flow.remote.address)) return;
  calls.arm(turn, call, 'keepalive', SHARE * keepaliveMs);
}

/** The deadline `keepalive`. */
export function callKeepaliveDue(parts: EndpointParts, turn: Turn, call: Call): void {
  const flow = call.told?.flow;
  if (isOver(call) || flow === undefined) return;
  if (!parts.registrations.standsOn(flow)) sendKeepalive(parts, turn, call, flow);
  keepCallOpen(parts, turn, call);
}

function sendKeepalive(parts: EndpointParts, turn: Turn, call: Call, flow: Flow): void {
  const { agent } = parts;
  const { keepalive: before, outgoing } = call;
  const { keepaliveBy = 'options' } = agent.config;
  if (before?.answered === false && before.options.transaction !== undefined)
    agent.transactions.abandon(turn, before.options.transaction, 'no answer to a keepalive');
  const from = parseNameAddr(outgoing?.from ?? '');
  if (keepaliveBy !== 'options' || before?.answered === false || outgoing === undefined || !from.ok)
    return agent.transport.ping(turn, flow);
  const asker = {
    addressOfRecord: from.value.uri,
    domain: formatHost(flow.remote.address),
    user: outgoing.user,
    digest: digestTowards(parts, call, flow),
  };
  // Who has asked for credentials once does so again.
  ask(parts, turn, call, asker, flow, before?.options.attempt === undefined ? undefined : FIRST_ATTEMPT);
}

function ask(
  { registrations }: EndpointParts,
  turn: Turn,
  call: Call,
  asker: Asker,
  flow: Flow,
  attempt: Attempt | undefined,
): void {
  const about = { call: call.handle, ...(attempt === undefined ? undefined : { attempt }) };
  const options = registrations.keepalives.ask(turn, asker, flow, about, call.keepalive?.options);
  call.keepalive = { options, answered: false, asker };
}

/** What became of an OPTIONS: another mapping than before is another way to us, which the peer has to be told. */
export function callKeepaliveIndicated(
  parts: EndpointParts,
  turn: Turn,
  options: OptionsKeepalive,
  indication: Indication<unknown>,
): void {
  const { calls, registrations } = parts;
  const call = calls.find(options.call);
  const { keepalive } = call ?? {};
  if (call === undefined || keepalive?.options !== options || indication.type !== 'response') return;
  const { response } = indication;
  if (response.status < 200) return;
  const attempt = registrations.keepalives.attemptAfter(keepalive.asker, options, response);
  keepalive.answered = attempt !== undefined || !isChallenge(response);
  if (attempt !== undefined) ask(parts, turn, call, keepalive.asker, options.flow, attempt);
  const { seenAt: before } = call;
  noteMapping(call, response);
  if (before === undefined || before === call.seenAt || call.told === undefined) return;
  call.told = { ...call.told, cut: true };
  moveCalls(calls, turn);
}

/** Where a response says that our request came from. */
export function noteMapping(call: Call, response: SipResponse): void {
  const { address, port } = seenIn(response) ?? {};
  if (port !== undefined) call.seenAt = `${address} ${port}`;
}
