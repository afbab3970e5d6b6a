/** The two lines on top: who we are and where, and how much is going on. */
import { clock, justify, type Line, type Segment } from './cells.ts';
import { type AccountFacts, type Model, packetRates } from './model.ts';

/** Title, accounts and addresses; then calls, packets and time. */
export function topLines(model: Model, columns: number): readonly [Line, Line] {
  const name: Segment = { text: ' ringback ', style: 'selected' };
  const first = justify([name, { text: ' ' }, ...accountSegments(model)], addressSegments(model), columns);
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
function accountSegments({ accounts, nowMs }: Model): Segment[] {
  const all = [...accounts.values()];
  const [first] = all;
  if (first === undefined) return [{ text: 'not registered anywhere', style: 'dim' }];
  if (all.length === 1) return [{ text: `${first.account} ` }, stateSegment(first, nowMs)];
  const registered = all.filter(({ state }) => state === 'registered').length;
  const style = registered === all.length ? 'good' : 'warn';
  return [{ text: `${registered} of ${all.length} accounts registered`, style }];
}

function stateSegment({ state, status, expiresAtMs, retryAtMs }: AccountFacts, nowMs: number): Segment {
  const left = (atMs: number | undefined) =>
    atMs === undefined ? '' : ` ${Math.max(0, Math.round((atMs - nowMs) / 1000))} s`;
  if (state === 'registered') return { text: `registered${left(expiresAtMs)}`, style: 'good' };
  const because = status === undefined ? '' : ` ${status}`;
  if (state === 'retrying') return { text: `retrying${because} in${left(retryAtMs)}`, style: 'warn' };
  if (state === 'failed') return { text: `failed${because}`, style: 'bad' };
  return { text: state, style: 'dim' };
}

function addressSegments({ addresses, listeners }: Model): Segment[] {
  const shown =
    addresses.get('public 4') ??
    addresses.get('public 6') ??
    addresses.get('local 4') ??
    addresses.get('local 6');
  const [listener] = listeners;
  if (listener === undefined) return [];
  const host = shown?.address ?? listener.address;
  const transports = [...new Set(listeners.map(({ transport }) => transport))].join('+');
  const how = shown === undefined || shown.learnedBy === 'route' ? '' : ` (${shown.learnedBy})`;
  return [
    { text: `${transports} `, style: 'dim' },
    { text: `${host.includes(':') ? `[${host}]` : host}:${listener.port}${how} ` },
  ];
}
