/** The two lines on top: who we are and where, and how much is going on. */
import { clock, justify, type Line, lineWidth, type Segment } from './cells.ts';
import { type AccountFacts, type Model, packetRates } from './model.ts';

/** From here on there is room for the registrar's address. */
const WIDE = 100;

/** Title, accounts and addresses; then calls, packets and time. */
export function topLines(model: Model, columns: number): readonly [Line, Line] {
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
  return [firstLine(model, columns), justify(columns < 74 ? counts : [...counts, ...rates], up, columns)];
}

/** What has no room goes: the registrar's address, then our local addresses, then all of them. */
function firstLine(model: Model, columns: number): Line {
  const name: Segment[] = [{ text: ' ringback ', style: 'selected' }, { text: ' ' }];
  const short = [...name, ...accountSegments(model, false)];
  const seen = publicSegments(model);
  const all = [...listenerSegments(model), ...seen];
  const ways: readonly (readonly [Line, Line])[] = [
    ...(columns < WIDE ? [] : ([[[...name, ...accountSegments(model, true)], all]] as const)),
    [short, all],
    [short, seen],
  ];
  const fits = ways.find(([left, right]) => lineWidth(left) + lineWidth(right) < columns);
  return justify(...(fits ?? [short, []]), columns);
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

/** `udp+tcp 192.0.2.10:5060 tls :5061`: TLS has a port of its own. */
function listenerSegments({ addresses, listeners }: Model): Segment[] {
  const [listener] = listeners;
  if (listener === undefined) return [];
  const host = (addresses.get('local 4') ?? addresses.get('local 6'))?.address ?? listener.address;
  const ports = [...new Set(listeners.map(({ port }) => port))];
  return ports.flatMap((port, index) => {
    const there = listeners.filter((one) => one.port === port).map(({ transport }) => transport);
    const shown = index > 0 ? '' : host.includes(':') ? `[${host}]` : host;
    return [{ text: `${[...new Set(there)].join('+')} `, style: 'dim' }, { text: `${shown}:${port} ` }];
  });
}

/** `public 203.0.113.5 (advertised)`. */
function publicSegments({ addresses }: Model): Segment[] {
  const seen = addresses.get('public 4') ?? addresses.get('public 6');
  if (seen === undefined) return [];
  return [{ text: 'public ', style: 'dim' }, { text: `${seen.address} (${seen.learnedBy}) ` }];
}
