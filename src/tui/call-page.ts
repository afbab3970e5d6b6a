/**
 * The page of one call: what it is and how its audio goes, what is wrong and what to do, its transactions, and the
 * ladder of its messages.
 */
import { type CallFacts, type LadderEntry, type TimerFacts, talkedMs } from './call-facts.ts';
import { type Look, peerName } from './call-table.ts';
import { cell, clock, cutLine, type Line, type Segment, type Style, wrapped } from './cells.ts';
import { describeEvent } from './log-line.ts';
import { sdpLines } from './sdp-lines.ts';
import { sparkline } from './sparkline.ts';

/** Transactions that are listed: the youngest. */
const SHOWN_TRANSACTIONS = 6;
/** Rows that stay for the ladder and its title, whatever is wrong. */
const LEAST_LADDER = 3;
/** Columns of the quality bars. */
const BARS = 14;

/** The whole page in so many rows. `chosen` is the ladder's entry, counted from the newest. */
export function callPage(
  call: CallFacts,
  about: {
    readonly nowMs: number;
    readonly columns: number;
    readonly rows: number;
    readonly look: Look;
    readonly chosen: number;
  },
): Line[] {
  const { columns, rows } = about;
  const first = [...summary(call, about.nowMs), ...audio(call, about.look), ...diagnoses(call, columns)];
  const head = [...first, ...transactions(call, about.nowMs), ...sdpLines(call, columns)];
  // The ladder keeps at least half of the page, but for what is wrong: that is what one came for.
  const wrong = call.diagnoses.length === 0 ? 0 : Math.min(first.length, rows - LEAST_LADDER);
  const shownHead = head.slice(0, Math.max(4, Math.floor(rows / 2), wrong));
  const title: Line = [
    { text: `LADDER  us ${about.look.ascii ? '<->' : '↔'} ${peerName(call)}`, style: 'dim' },
  ];
  const left = Math.max(1, rows - shownHead.length - 1);
  return [...shownHead, title, ...ladder(call, { ...about, rows: left })].map((line) =>
    cutLine(line, columns),
  );
}

function summary(call: CallFacts, nowMs: number): Line[] {
  const talked = talkedMs(call, nowMs);
  const why = call.reason === undefined ? '' : ` (${call.reason})`;
  const status = call.status === undefined || call.endedMs === undefined ? '' : ` ${call.status}`;
  return [
    [
      { text: `${call.direction === 'incoming' ? 'from' : 'to'} `, style: 'dim' },
      {
        text: cell(
          `${call.displayName === undefined ? '' : `"${call.displayName}" `}${call.peer}`,
          60,
        ).trimEnd(),
        style: 'bold',
      },
      {
        text: `  ${call.state}${status}${cell(why, Math.min(60, why.length)).trimEnd()}`,
        style: call.endedMs === undefined ? 'good' : 'dim',
      },
      { text: talked === undefined ? '' : `  ${clock(talked)}` },
    ],
    [
      { text: 'call ', style: 'dim' },
      { text: call.handle },
      { text: '  Call-ID ', style: 'dim' },
      { text: cell(call.callId, 60).trimEnd() },
    ],
  ];
}

function audio(call: CallFacts, { ascii }: Look): Line[] {
  const { media, latched, sample } = call;
  if (media === undefined) return [[{ text: 'no audio was agreed', style: 'dim' }]];
  const address = (host: string | undefined, port: number | undefined) =>
    host === undefined || port === undefined ? '-' : `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const expected = address(media.remoteAddress, media.remotePort);
  const seen = address(latched?.address, latched?.port);
  const lines: Line[] = [
    [
      { text: 'audio ', style: 'dim' },
      { text: `${media.codec} (payload ${media.payloadType}) ${media.direction}, RTCP ${media.rtcp}` },
    ],
    [
      { text: 'ours ', style: 'dim' },
      { text: address(media.localAddress, media.localPort) },
      { text: '  SDP says ', style: 'dim' },
      { text: expected },
      { text: '  heard from ', style: 'dim' },
      { text: seen, style: seen === '-' ? 'warn' : seen === expected ? 'good' : 'warn' },
    ],
  ];
  if (sample === undefined) return lines;
  const counted = sample.packetsReceived + sample.lost;
  const parts = [
    `${sample.packetsReceivedPerS.toFixed(0)}/s in`,
    `${sample.packetsSentPerS.toFixed(0)}/s out`,
    `lost ${sample.lost}${counted === 0 ? '' : ` (${((100 * sample.lost) / counted).toFixed(1)} %)`}`,
    `jitter ${sample.jitterMs === undefined ? '-' : `${sample.jitterMs.toFixed(1)} ms`}`,
    `round trip ${sample.rttMs === undefined ? '-' : `${sample.rttMs.toFixed(0)} ms`}`,
  ];
  const figures: Line = [{ text: parts.join('  ') }];
  // The last half minute: a rate of 50 a second, 30 ms of jitter and five lost packets are a full bar.
  const bars = (title: string, values: Iterable<number>, top: number, style: Style): Line => [
    { text: ` ${title} `, style: 'dim' },
    { text: sparkline([...values], BARS, top, ascii), style },
  ];
  return [
    ...lines,
    figures,
    [
      { text: 'last 30 s:', style: 'dim' },
      ...bars('in', call.received, 50, 'accent'),
      ...bars('jitter', call.jitter, 30, 'accent'),
      ...bars('lost', call.lost, 5, 'warn'),
    ],
  ];
}

/** What is wrong, why, and what to do: in full, because a half of it helps nobody. */
function diagnoses(call: CallFacts, columns: number): Line[] {
  return call.diagnoses.flatMap(({ code, severity, evidence, cause, next }): Line[] => [
    ...labelled(
      {
        text: `! ${code}: `,
        style: severity === 'error' ? 'bad' : severity === 'warning' ? 'warn' : 'accent',
      },
      evidence,
      columns,
    ),
    ...labelled({ text: '  cause: ', style: 'dim' }, cause, columns),
    ...labelled({ text: '  next:  ', style: 'dim' }, next, columns, 'bold'),
  ]);
}

/** A text behind its label, and under itself where it is longer than the row. */
function labelled(label: Segment, text: string, columns: number, style?: Style): Line[] {
  const indent = Math.min(label.text.length, 9);
  const room = Math.max(20, columns - indent);
  // A longer label takes its room from the first row: as a word that is wrapped along, and then taken away.
  const ahead = Math.min(label.text.length - indent, room - 1);
  const [first = '', ...rest] = wrapped(`${'.'.repeat(ahead)}${text}`, room);
  const styled = (row: string): Segment => (style === undefined ? { text: row } : { text: row, style });
  return [
    [label, styled(first.slice(ahead))],
    ...rest.map((row): Line => [{ text: ' '.repeat(indent) }, styled(row)]),
  ];
}

function transactions(call: CallFacts, nowMs: number): Line[] {
  const lines = [...call.transactions.values()]
    .filter(({ state }) => state !== 'terminated')
    .slice(-SHOWN_TRANSACTIONS)
    .map(
      ({ kind, method, state, sinceMs, timers }): Line => [
        { text: `${cell(method, 9)} ${cell(kind, 18)} `, style: 'dim' },
        { text: cell(state, 12), style: 'accent' },
        { text: ` for ${((nowMs - sinceMs) / 1000).toFixed(1)} s`, style: 'dim' },
        { text: running(timers, nowMs) },
      ],
    );
  const own = call.endedMs === undefined ? running(call.timers, nowMs) : '';
  return own === '' ? lines : [...lines, [{ text: 'call ', style: 'dim' }, { text: own.trimStart() }]];
}

/** `  Timer G in 1.2 s, Timer H in 31.0 s`, the next one first; one that should have fired is not shown. */
function running(timers: readonly TimerFacts[], nowMs: number): string {
  const left = timers
    .map(({ name, firesAtMs }) => ({ name, inMs: firesAtMs - nowMs }))
    .filter(({ inMs }) => inMs > 0)
    .sort((one, other) => one.inMs - other.inMs)
    .map(({ name, inMs }) => `${name} in ${(inMs / 1000).toFixed(1)} s`);
  return left.length === 0 ? '' : `  ${left.join(', ')}`;
}

function ladder(
  call: CallFacts,
  {
    columns,
    rows,
    look,
    chosen,
  }: { readonly columns: number; readonly rows: number; readonly look: Look; readonly chosen: number },
): Line[] {
  const last = call.ladder.length - 1 - chosen;
  const end = Math.max(last + 1, Math.min(rows, call.ladder.length));
  const lines: Line[] = [];
  for (let place = Math.max(0, end - rows); place < end; place++) {
    const entry = call.ladder.at(place);
    if (entry !== undefined) lines.push(ladderLine(entry, call.begunMs, columns, look, place === last));
  }
  return lines;
}

function ladderLine(
  entry: LadderEntry,
  begunMs: number,
  columns: number,
  { ascii }: Look,
  chosen: boolean,
): Line {
  const { event, atMs, again } = entry;
  const { mark, text, style } = describeEvent(event);
  const arrow =
    event.type === 'sip.sent'
      ? ascii
        ? '---->'
        : '────▶'
      : event.type === 'sip.received'
        ? ascii
          ? '<----'
          : '◀────'
        : '     ';
  const time = `${((atMs - begunMs) / 1000).toFixed(3).padStart(9)} `;
  const shown = `${text}${again ? '  (again)' : ''}`;
  const rest = cell(shown, Math.max(10, columns - 10 - 6 - 5));
  if (chosen) return [{ text: `${time}${arrow} ${cell(mark.text, 4)} ${rest}`, style: 'selected' }];
  return [
    { text: time, style: 'dim' },
    { text: `${arrow} `, ...(mark.style === undefined ? {} : { style: mark.style }) },
    { text: `${cell(mark.text, 4)} `, ...(mark.style === undefined ? {} : { style: mark.style }) },
    { text: rest, ...(again ? { style: 'warn' as const } : style === undefined ? {} : { style }) },
  ];
}
