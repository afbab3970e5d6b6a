/**
 * What must hold when everything has come to rest: nothing is left, and both sides of every call tell the same of
 * its end.
 *
 * "The same" cannot mean more than the RFC gives under loss: whoever gives up does not know what the other side
 * has heard (RFC 3261 §13.3.1.4, §15). The table says which pairs are left.
 */
import { holdings } from './holdings.ts';
import type { CallRecord, NodeRecord } from './node-record.ts';

/** How a call ended, for one side. */
type Outcome =
  /** The caller has the 2xx, the callee the ACK. */
  | 'stood'
  /** The callee answered and never saw the ACK. */
  | 'unacknowledged'
  /** The caller was given a final refusal, or the callee gave one. */
  | 'refused'
  /** The caller gave up: nobody answered, it was taken back, or it could not be sent. */
  | 'given up'
  /** The callee never heard of it. */
  | 'unknown';

/** What the callee may tell when the caller tells so. */
const AGREEING: Readonly<Record<'stood' | 'refused' | 'given up', readonly Outcome[]>> = {
  // The ACK may be lost as often as it is sent: then a BYE ended it.
  stood: ['stood', 'unacknowledged'],
  refused: ['refused', 'unknown'],
  // A 200 that crossed the CANCEL, or came after the end, is acknowledged and ended with BYE (§9.1, §13.2.2.4).
  'given up': ['unknown', 'refused', 'unacknowledged', 'stood'],
};

/** Everything that is wrong at rest, each with the name of the endpoint. */
export function faultsAtRest(records: readonly NodeRecord[]): string[] {
  const faults = records.flatMap((record) => {
    // A process that was killed takes everything along.
    const alone = record.node.gone
      ? []
      : [
          ...leftAt(record),
          ...unendedAt(record),
          ...unbalancedAt(record),
          ...untoldAt(record),
          ...unansweredAt(record),
          ...unacknowledgedAt(record),
        ];
    return [...alone, ...doubledAt(record)].map((fault) => `${record.node.name}: ${fault}`);
  });
  return [...faults, ...disagreements(records)];
}

/** Nothing is alive. */
export function leftAt(record: NodeRecord): string[] {
  const { node, transactions } = record;
  const { endpoint, media } = node;
  const { calls, connections } = endpoint.alive;
  const deadlineMs = node.actor.deadlineMs();
  // A clean stop lets go of them without a word.
  const open = node.stopped === undefined ? [...transactions] : [];
  const told = open.map(([id, { method, state }]) => `${id} ${method} ${state}`);
  return [
    ...(calls > 0 ? [`${calls} calls are left`] : []),
    ...(told.length > 0 ? [`transactions are left: ${told.join(', ')}`] : []),
    ...(endpoint.alive.transactions > 0 ? [`${endpoint.alive.transactions} transactions are left`] : []),
    ...(connections > 0 ? [`${connections} connections are left`] : []),
    ...(media.open.size > 0 ? [`${media.open.size} ports are left`] : []),
    ...(deadlineMs === undefined ? [] : [`a deadline is left, at ${deadlineMs}`]),
    // Disarmed deadlines keep their place in the heap until their time comes, which for a stopped one never does.
    ...(node.stopped === undefined ? heldAt(record) : []),
  ];
}

/**
 * What may be held at rest: what was configured, the reserve of ports, slots that were used, our address towards
 * peers (own-address.ts), which servers failed or take no TCP (failed-servers.ts,
 * large-request.ts), which answer keepalives (keepalive.ts), who has shown that it hears us (address-validation.ts),
 * which flows phones have registered in the place of others (location-service.ts), and what was said of pings that
 * failed (ping-diagnosis.ts): all of them are bounded.
 */
const KEPT =
  /config\b|\.own\.(?:said|routes\.known)$|\.audio\.(?:ports|freeSlots)$|\.(?:failed\.failures|large\.withoutUntilMs)$|\.sources\.sources$|\.pings\.diagnoses\.said$|\.keepalives\.answering\.known$|\.location\.replaced$|\.realm\.(?:algorithms|passwords)$/;

/** No map, set or list of the endpoint has anything of a call left, and every port is back in the reserve. */
function heldAt({ node }: NodeRecord): string[] {
  const held = [...holdings(node.endpoint)];
  const left = held.filter(([way]) => !KEPT.test(way)).map(([way, size]) => `${size} left in ${way}`);
  const reserve = held.find(([way]) => way.endsWith('.audio.ports'))?.[1] ?? 0;
  const missing = node.media.ports.length - reserve;
  return missing === 0 ? left : [...left, `${missing} ports did not come back`];
}

/** Every call has its final state. */
export function unendedAt({ calls }: NodeRecord): string[] {
  return [...calls.values()]
    .filter(({ state }) => state !== 'terminated')
    .map(({ handle, state }) => `${handle} is ${state} and has no end`);
}

/** §8.2: whatever was asked in a datagram was answered. A proxy is silent where 408 would come too late (RFC 4320). */
export function unansweredAt({ heard, node, forwards }: NodeRecord): string[] {
  if (node.stopped !== undefined) return [];
  return [...heard.values()].flatMap(({ message: { method, callId }, final, datagram }) => {
    const silent = forwards && method !== 'INVITE' && method !== 'REGISTER';
    return final === undefined && datagram && !silent ? [`${method} in ${callId} was never answered`] : [];
  });
}

/** §13.2.2.4: every 2xx that came was acknowledged. */
export function unacknowledgedAt({ acceptances, node, forwards }: NodeRecord): string[] {
  if (forwards || node.stopped !== undefined) return [];
  return [...acceptances].flatMap(([key, ack]) =>
    ack === 'owed' ? [`the 2xx ${key} was never acknowledged`] : [],
  );
}

/** Every ping has its one outcome. */
export function untoldAt({ pingsAsked, pingsTold }: NodeRecord): string[] {
  return pingsAsked === pingsTold ? [] : [`${pingsAsked} pings and ${pingsTold} outcomes`];
}

/** As many ports closed as were opened. */
export function unbalancedAt({ portsOpened, portsClosed }: NodeRecord): string[] {
  return portsOpened === portsClosed ? [] : [`${portsOpened} ports opened and ${portsClosed} closed`];
}

/** §8.2.2.2, §17.2.3: one INVITE, however often it came, is one call, and one of its tries is answered at most. */
export function doubledAt({ calls, invites }: NodeRecord): string[] {
  const faults: string[] = [];
  const begun = new Map<string, number>();
  const answered = new Set<string>();
  for (const { callId, direction, been } of calls.values()) {
    const sofar = (begun.get(`${direction} ${callId}`) ?? 0) + 1;
    begun.set(`${direction} ${callId}`, sofar);
    const tries = direction === 'outgoing' ? 1 : (invites.get(callId)?.size ?? 0);
    if (sofar > tries) faults.push(`${callId} became ${sofar} calls by ${tries} INVITEs`);
    if (!been.has('answered')) continue;
    if (answered.has(callId)) faults.push(`${callId} was answered twice`);
    answered.add(callId);
  }
  return faults;
}

/** Where the two sides of a call contradict each other. */
export function disagreements(records: readonly NodeRecord[]): string[] {
  const callees = new Map<string, { readonly record: NodeRecord; readonly call: CallRecord }[]>();
  for (const record of records) {
    for (const call of record.calls.values()) {
      if (call.direction !== 'incoming') continue;
      callees.set(call.callId, [...(callees.get(call.callId) ?? []), { record, call }]);
    }
  }
  // A proxy that was killed answers anew what it had passed on already.
  const forgot = records.some(({ forwards, node }) => forwards && node.gone);
  return records.flatMap((caller) =>
    [...caller.calls.values()].flatMap((call) => {
      if (call.direction === 'incoming' || call.state !== 'terminated') return [];
      return contradictions(caller, call, callees.get(call.callId) ?? [], forgot);
    }),
  );
}

function contradictions(
  caller: NodeRecord,
  call: CallRecord,
  callees: readonly { readonly record: NodeRecord; readonly call: CallRecord }[],
  forgot: boolean,
): string[] {
  const { callId } = call;
  const outcome = callerOutcome(caller, call);
  const ours = forgot && outcome === 'refused' ? 'given up' : outcome;
  const theirs = callees.length === 0 ? ['unknown' as const] : callees.map((one) => calleeOutcome(one.call));
  const faults: string[] = [];
  if (!theirs.some((outcome) => AGREEING[ours].includes(outcome))) {
    faults.push(`${callId}: the caller says ${ours}, the callee ${theirs.join(' and ')}`);
  }
  if (ours === 'stood' && call.been.has('established') && callees.length === 0) {
    faults.push(`${callId}: it stood for the caller and nobody was called`);
  }
  // The callee sees a call stand by its ACK (§13.3.1.4).
  if (theirs.includes('stood') && !caller.acknowledged.has(callId)) {
    faults.push(`${callId}: it stood for the callee, and the caller sent no ACK`);
  }
  const byeHeard = (one: CallRecord) => one.reason?.startsWith('BYE received') === true;
  if (byeHeard(call) && !callees.some(({ record }) => record.byes.has(callId))) {
    faults.push(`${callId}: the caller heard a BYE that no callee sent`);
  }
  if (callees.some((one) => byeHeard(one.call)) && !caller.byes.has(callId)) {
    faults.push(`${callId}: the callee heard a BYE that the caller did not send`);
  }
  return faults;
}

/**
 * Refusals that nobody called may know of: 487 was asked for, and a proxy that hears no more of a phone gives up in
 * the caller's name (§16.8 408, §16.9 500), whatever the phone is about to say.
 */
const GIVEN_UP: ReadonlySet<number> = new Set([408, 487, 500]);

function callerOutcome(caller: NodeRecord, call: CallRecord): 'stood' | 'refused' | 'given up' {
  if (call.been.has('established')) return 'stood';
  let last = 0;
  for (const { message, final } of caller.sent.values()) {
    if (message.method === 'INVITE' && message.callId === call.callId) last = final;
  }
  return last >= 300 && !GIVEN_UP.has(last) ? 'refused' : 'given up';
}

function calleeOutcome({ been }: CallRecord): Outcome {
  if (been.has('established')) return 'stood';
  return been.has('answered') ? 'unacknowledged' : 'refused';
}
