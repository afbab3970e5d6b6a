/** Which calls the table shows, and in what order: those that stand first, the newest on top. */
import { type CallFacts, talkedMs } from './call-facts.ts';
import { peerName } from './call-table.ts';
import type { Model } from './model.ts';

/** What the table is sorted by; the key `s` goes through them. */
export const ORDERS = ['newest', 'longest', 'trouble', 'peer'] as const;
export type Order = (typeof ORDERS)[number];

/** The calls whose name, peer, state or codec has the text in it, in order. */
export function orderedCalls(model: Model, order: Order, filter: string): readonly CallFacts[] {
  const wanted = filter.toLowerCase();
  const calls = [...model.calls.values()].filter((call) => wanted === '' || searched(call).includes(wanted));
  const compare = COMPARE[order];
  return calls.reverse().sort((a, b) => ended(a) - ended(b) || compare(a, b, model.nowMs));
}

function searched({ handle, peer, displayName, state, media, callId }: CallFacts): string {
  return `${handle} ${peer} ${displayName ?? ''} ${state} ${media?.codec ?? ''} ${callId}`.toLowerCase();
}

function ended(call: CallFacts): number {
  return call.endedMs === undefined ? 0 : 1;
}

const COMPARE: Readonly<Record<Order, (a: CallFacts, b: CallFacts, nowMs: number) => number>> = {
  newest: () => 0,
  longest: (a, b, nowMs) => (talkedMs(b, nowMs) ?? 0) - (talkedMs(a, nowMs) ?? 0),
  trouble: (a, b) => trouble(b) - trouble(a),
  peer: (a, b) => peerName(a).localeCompare(peerName(b)),
};

/** Diagnoses first, then the share that was lost. */
function trouble({ diagnoses, sample }: CallFacts): number {
  const expected = sample === undefined ? 0 : sample.packetsReceived + sample.lost;
  return diagnoses.length * 10 + (sample === undefined || expected === 0 ? 0 : sample.lost / expected);
}
