/** The two lines on top: who we are and where, and how much is going on. */
import { clock, justify, type Line, type Segment } from './cells.ts';
import { type AccountFacts, type Model, packetRates } from './model.ts';

/** From here on there is room for the registrar's address. */
const WIDE = 100;

/** Title, accounts and addresses; then calls, packets and time. */
export function topLines(model: Model, columns: number): readonly [Line, Line] {
  const name: Segment = { text: ' ringback ', style: 'selected' };
  const first = justify(
    [name, { text: ' ' }, ...accountSegments(model, columns >= WIDE)],
    addressSegments(model),
    columns,
  );
  const { received, sent } = packetRates(model);
  const counts: Line = [
    { text: ' calls ', style: 'dim' },
    { text: String(model.live).padStart(4), style: 'bold' },
    { text: '  peak ', style: 'dim' },
    { text: String(model.peak).padStart(4) },
    { text: '  total ', style: 'dim' },
    { text: String(model.total).padStart(6) },
  ];
  const rates: Line = [
    { text: '  packets/s in ', style: 'dim' },
    { text: received.toFixed(0).padStart(6) },
    { text: ' out ', style: 'dim' },
    { text: sent.toFixed(0).padStart(6) },
  ];
  const up: Line = [{ text: 'up ', style: 'dim' }, { text: `${clock(model.nowMs).padStart(7)} ` }];
  return [first, justify(columns < 74 ? counts : [...counts, ...rates], up, columns)];
}

/** One account in full, several as a count of those that are registered. */
function accountSegments({ accounts, nowMs }: Model, wide: boolean): Segment[] {
  const all = [...accounts.values()];
  const [first] = all;
  if (first === undefined) return [{ text: 'not registered anywhere', style: 'dim' }];
  if (all.length === 1) {
    const server: Segment[] =
      first.server === undefined || !wide ? [] : [{ text: `at ${first.server} `, style: 'dim' }];
    return [{ text: `${first.account} ` }, ...server, stateSegment(first, nowMs)];
  }
  const registered = all.filter(({ state }) => state === 'registered').length;
  const style = registered === all.length ? 'good' : 'warn';
  return [{ text: `${registered} of ${all.length} accounts registered`, style }];
}

function stateSegment({ state, status, nextAtMs }: AccountFacts, nowMs: number): Segment {
  const next =
    nextAtMs === undefined ? '' : `, next in ${Math.max(0, Math.round((nextAtMs - nowMs) / 1000))} s`;
  const because = status === undefined ? '' : ` ${status}`;
  if (state === 'registered') return { text: `registered${next}`, style: 'good' };
  if (state === 'retrying') return { text: `retrying${because}${next}`, style: 'warn' };
  if (state === 'failed') return { text: `failed${because}`, style: 'bad' };
  return { text: state, style: 'dim' };
}

/** `udp+tcp 192.0.2.10:5060, public 203.0.113.5 (advertised)`. */
function addressSegments({ addresses, listeners }: Model): Segment[] {
  const [listener] = listeners;
  if (listener === undefined) return [];
  const of = (scope: string) => addresses.get(`${scope} 4`) ?? addresses.get(`${scope} 6`);
  const transports = [...new Set(listeners.map(({ transport }) => transport))].join('+');
  const host = of('local')?.address ?? listener.address;
  const seen = of('public');
  const local: Segment[] = [
    { text: `${transports} `, style: 'dim' },
    { text: `${host.includes(':') ? `[${host}]` : host}:${listener.port} ` },
  ];
  if (seen === undefined) return local;
  return [...local, { text: 'public ', style: 'dim' }, { text: `${seen.address} (${seen.learnedBy}) ` }];
}
