/**
 * `bun run bench`: every figure that has a reach, in one table, beside the peer it is measured against.
 *
 *     bun bench/run.ts [--json] [parse] [signalling] [echo]
 *
 * Words choose which are run; all without any. It ends with 1 when a call failed or a packet is missing, because then
 * nothing was measured; a reach that was not met is in the table and is no failure: machines differ. What the
 * figures mean and which were seen is in docs/performance.md. Needs Linux and SIPp, and ten minutes of a quiet machine.
 */
import { run as echo } from './echo.ts';
import { run as parse } from './parse.ts';
import { run as signalling } from './signalling.ts';

interface Row {
  readonly figure: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  /** ours ÷ theirs, the median of the rounds' own; of a turn-around, which has no peer, the figure itself. */
  readonly ratio: number;
  /** What the ratio has to reach; absent where the row is for information. */
  readonly reach?: number;
  /** Whether more is better. */
  readonly rising: boolean;
  /** Why it is no result. */
  readonly fault?: string;
}

/** p99 of the turn-around at 200 calls, in ms. */
const TURN_AROUND_REACH_MS = 0.3;
const ECHO_REACH = 1.25;
const SIGNALLING_REACH = 2.5;

async function parseRows(): Promise<Row[]> {
  return (await parse()).map(({ name, ours, theirs, ratio, reach }) => ({
    figure: name,
    unit: 'messages/s',
    ours,
    peer: 'npm sip',
    theirs,
    ratio,
    reach,
    rising: true,
  }));
}

async function signallingRows(): Promise<Row[]> {
  return (await signalling()).map((figure, index): Row => {
    const { target, cpuUsPerCall: ours, sippUsPerCall: theirs, timesSipp: ratio, failed } = figure;
    return {
      figure: `a call of signalling, ${target}`,
      unit: 'CPU µs',
      ours,
      peer: 'sipp uas',
      theirs,
      ratio,
      ...(index === 0 ? { reach: SIGNALLING_REACH } : {}),
      rising: false,
      ...(failed === 0 ? {} : { fault: `${failed} calls failed` }),
    };
  });
}

async function echoRows(): Promise<Row[]> {
  const rows: Row[] = [];
  const figures = await echo(() => {});
  for (const figure of figures) {
    const { target, calls, pacing, p99Ms, missing } = figure;
    if (target !== 'ringback') continue;
    const name = `${calls} calls, ${pacing}`;
    const like = (one: { calls: number; pacing: string }) => one.calls === calls && one.pacing === pacing;
    const sipp = figures.find((one) => one.target === 'sipp' && like(one));
    const fault = missing === 0 ? {} : { fault: `${missing} packets missing` };
    const theirs = { peer: 'sipp -rtp_echo', rising: false, ...fault };
    rows.push({
      ...theirs,
      figure: `an echoed packet, ${name}`,
      unit: 'CPU µs',
      ours: figure.cpuUsPerPacket,
      theirs: sipp?.cpuUsPerPacket ?? Number.NaN,
      ratio: figure.timesSipp,
      reach: ECHO_REACH,
    });
    rows.push({
      ...theirs,
      figure: `the same with what either burns when idle, ${name}`,
      unit: 'CPU µs',
      ours: figure.wholeUsPerPacket,
      theirs: sipp?.wholeUsPerPacket ?? Number.NaN,
      ratio: figure.wholeTimesSipp,
    });
    rows.push({
      ...theirs,
      figure: `turn-around p99, ${name}`,
      unit: 'ms',
      ours: p99Ms,
      theirs: sipp?.p99Ms ?? Number.NaN,
      ratio: p99Ms,
      ...(calls === 200 ? { reach: TURN_AROUND_REACH_MS } : {}),
    });
  }
  return rows;
}

function reached({ ratio, reach, rising }: Row): boolean | undefined {
  if (reach === undefined) return undefined;
  return rising ? ratio >= reach : ratio <= reach;
}

function shown(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return value.toFixed(value >= 100 ? 0 : 2);
}

function printTable(rows: readonly Row[]): void {
  console.table(
    rows.map((row) => {
      const verdict = reached(row);
      return {
        figure: row.figure,
        unit: row.unit,
        ours: shown(row.ours),
        peer: `${shown(row.theirs)} ${row.peer}`,
        ratio: row.unit === 'ms' ? '' : `${row.ratio.toFixed(2)} ×`,
        reach: row.reach === undefined ? '' : `${row.rising ? '≥' : '≤'} ${row.reach}`,
        reached: row.fault ?? (verdict === undefined ? '' : verdict ? 'yes' : 'NO'),
      };
    }),
  );
}

const BENCHES = { parse: parseRows, signalling: signallingRows, echo: echoRows } as const;

if (import.meta.main) {
  const words = process.argv.slice(2);
  const json = words.includes('--json');
  const chosen = words.filter((word) => word !== '--json');
  const unknown = chosen.filter((word) => !(word in BENCHES));
  if (unknown.length > 0) {
    console.error(
      `there is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`,
    );
    process.exit(2);
  }
  const rows: Row[] = [];
  // One after the other: two at once would measure each other.
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    console.error(`${name} …`);
    rows.push(...(await bench()));
  }
  if (json)
    console.log(
      JSON.stringify(
        rows.map((row) => ({ ...row, reached: reached(row) })),
        undefined,
        2,
      ),
    );
  else printTable(rows);
  if (rows.some(({ fault }) => fault !== undefined)) process.exit(1);
}
