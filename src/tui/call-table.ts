/**
 * The table of calls: which columns there is room for, and a call as a row of them. Numbers stand at the right of
 * cells that do not change their width, so that nothing jumps when they grow.
 */
import { type CallFacts, talkedMs } from './call-facts.ts';
import { cell, clock, type Line, type Segment, type Style } from './cells.ts';
import { sparkline } from './sparkline.ts';

/** What the frame looks like beyond its size. */
export interface Look {
  /** Plain ASCII: no arrows, bars and ellipses beyond it. */
  readonly ascii: boolean;
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly align: 'left' | 'right';
  /** Lower ones go first when the terminal is narrow. */
  readonly worth: number;
  readonly show: (call: CallFacts, nowMs: number, look: Look, width: number) => Segment;
}

/** A packet rate that fills the bar: 20 ms packets are 50 a second. */
const FULL_RATE = 50;

const plain = (text: string, style?: Style): Segment => (style === undefined ? { text } : { text, style });
const dash: Segment = { text: '-', style: 'dim' };

const COLUMNS: readonly Column[] = [
  { title: '', width: 1, align: 'left', worth: 100, show: (call, _, look) => directionMark(call, look) },
  { title: 'PEER', width: 18, align: 'left', worth: 99, show: (call) => plain(peerName(call)) },
  { title: 'STATE', width: 11, align: 'left', worth: 98, show: stateCell },
  { title: 'TIME', width: 8, align: 'right', worth: 97, show: timeCell },
  { title: '!', width: 1, align: 'left', worth: 96, show: (call) => diagnosisMark(call) },
  {
    title: 'IN/s',
    width: 5,
    align: 'right',
    worth: 90,
    show: (call) => rate(call, call.sample?.packetsReceivedPerS),
  },
  {
    title: 'OUT/s',
    width: 5,
    align: 'right',
    worth: 89,
    show: (call) => rate(call, call.sample?.packetsSentPerS),
  },
  { title: 'LOSS', width: 6, align: 'right', worth: 80, show: lossCell },
  { title: 'CODEC', width: 6, align: 'left', worth: 75, show: (call) => textOr(call.media?.codec) },
  {
    title: 'JITTER',
    width: 7,
    align: 'right',
    worth: 70,
    show: (call) => measured(call.sample?.jitterMs, 1, ' ms'),
  },
  { title: 'LAST 30 s', width: 15, align: 'left', worth: 60, show: barsCell },
  {
    title: 'RTT',
    width: 7,
    align: 'right',
    worth: 50,
    show: (call) => measured(call.sample?.rttMs, 0, ' ms'),
  },
  { title: 'MOS', width: 4, align: 'right', worth: 45, show: (call) => measured(call.sample?.mos, 1, '') },
  { title: 'CALL', width: 22, align: 'left', worth: 40, show: (call) => plain(call.handle, 'dim') },
];

/** The most that the peer's column grows to. */
const WIDEST_PEER = 48;

/** The columns that fit, in their order; what is left goes to the peer. */
function columnsFor(columns: number): readonly Column[] {
  const kept = new Set<Column>();
  let used = 0;
  for (const column of [...COLUMNS].sort((a, b) => b.worth - a.worth)) {
    if (used + column.width + 1 > columns) break;
    kept.add(column);
    used += column.width + 1;
  }
  const spare = Math.min(columns - used, WIDEST_PEER - 18);
  return COLUMNS.filter((column) => kept.has(column)).map((column) =>
    column.title === 'PEER' ? { ...column, width: column.width + Math.max(0, spare) } : column,
  );
}

/** The titles. */
export function headerLine(columns: number): Line {
  return columnsFor(columns).map(({ title, width, align }) => ({
    text: `${cell(title, width, align)} `,
    style: 'dim',
  }));
}

/** One call. */
export function callLine(
  call: CallFacts,
  about: {
    readonly nowMs: number;
    readonly columns: number;
    readonly look: Look;
    readonly selected: boolean;
  },
): Line {
  const { nowMs, columns, look, selected } = about;
  const ellipsis = look.ascii ? '~' : '…';
  return columnsFor(columns).map(({ width, align, show }) => {
    const { text, style } = show(call, nowMs, look, width);
    const shown = { text: `${cell(text, width, align, ellipsis)} ` };
    if (selected) return { ...shown, style: 'selected' as const };
    return style === undefined ? shown : { ...shown, style };
  });
}

/** How the other side is called: its display name, else the user or host of its address. */
export function peerName({ displayName, peer }: CallFacts): string {
  if (displayName !== undefined && displayName !== '') return displayName;
  return peer.replace(/^sips?:/i, '');
}

function directionMark(call: CallFacts, { ascii }: Look): Segment {
  const [incoming, outgoing] = ascii ? ['<', '>'] : ['←', '→'];
  return plain((call.direction === 'incoming' ? incoming : outgoing) ?? '', 'dim');
}

function stateCell(call: CallFacts): Segment {
  switch (call.state) {
    case 'established':
      return plain('established', 'good');
    case 'held':
      return plain('on hold', 'accent');
    case 'terminated':
      return call.status !== undefined && call.status >= 300
        ? plain(`ended ${call.status}`, 'warn')
        : plain('ended', 'dim');
    default:
      return plain(call.state);
  }
}

function timeCell(call: CallFacts, nowMs: number): Segment {
  const talked = talkedMs(call, nowMs);
  return talked === undefined ? dash : plain(clock(talked));
}

function diagnosisMark(call: CallFacts): Segment {
  const worst = worstOf(call);
  return worst === undefined ? plain('') : plain('!', worst);
}

/** Red for an error, yellow for a warning; a note is no trouble. */
function worstOf(call: CallFacts): 'bad' | 'warn' | undefined {
  if (call.diagnoses.some(({ severity }) => severity === 'error')) return 'bad';
  return call.diagnoses.some(({ severity }) => severity === 'warning') ? 'warn' : undefined;
}

function rate(call: CallFacts, perSecond: number | undefined): Segment {
  if (perSecond === undefined || call.endedMs !== undefined) return dash;
  const silent = perSecond === 0 && call.state === 'established';
  return plain(perSecond.toFixed(0), silent ? 'bad' : undefined);
}

function lossCell(call: CallFacts): Segment {
  const counted = call.totals ?? call.sample;
  if (counted === undefined) return dash;
  const expected = counted.packetsReceived + counted.lost;
  if (expected === 0) return dash;
  const share = (100 * counted.lost) / expected;
  return plain(`${share.toFixed(1)}%`, share >= 5 ? 'bad' : share >= 1 ? 'warn' : undefined);
}

function barsCell(call: CallFacts, _nowMs: number, { ascii }: Look, width: number): Segment {
  if (call.received.length === 0) return dash;
  return plain(sparkline([...call.received], width, FULL_RATE, ascii), 'accent');
}

function measured(figure: number | undefined, digits: number, unit: string): Segment {
  return figure === undefined ? dash : plain(`${figure.toFixed(digits)}${unit}`);
}

function textOr(text: string | undefined): Segment {
  return text === undefined ? dash : plain(text);
}
