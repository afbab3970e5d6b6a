/**
 * `bun run picture`: the README's picture of the screen, made from the real one. The demo runs in tmux with real
 * calls, what stands on the terminal is read with its colours, and drawn as SVG. Needs tmux.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COLUMNS = 108;
const ROWS = 30;
/** How long the demo runs before the picture is taken: the mute call has been diagnosed, the bars have grown. */
const WAIT_MS = 20_000;
/** Of one character, in px. */
const CELL = { width: 8.4, height: 18, size: 14 };
const MARGIN = 14;
const INK = { text: '#d4d4d4', dim: '#8a8a8a', paper: '#1c1c1c' } as const;
const COLORS: Readonly<Record<number, string>> = { 31: '#f47067', 33: '#e3b341', 36: '#56d4dd' };

/** Select Graphic Rendition (ECMA-48 §8.3.117), kept by `split`. */
const SGR = new RegExp(`(${String.fromCharCode(0x1b)}\\[[0-9;]*m)`);

/** How a run of characters looks. */
interface Look {
  color: string;
  bold: boolean;
  inverse: boolean;
}

/** The look at the end of what was read: tmux carries it from row to row. */
let look: Look = { color: INK.text, bold: false, inverse: false };

const folder = mkdtempSync(join(tmpdir(), 'ringback-picture-'));
const socket = join(folder, 'tmux');
const main = join(import.meta.dir, '../src/main.ts');
try {
  tmux('-u', 'new-session', '-d', '-s', 'p', '-x', `${COLUMNS}`, '-y', `${ROWS}`, command());
  await Bun.sleep(WAIT_MS);
  // The call without audio is looked for by trouble; the footer shows the keys again.
  tmux('send-keys', '-t', 'p', 's');
  tmux('send-keys', '-t', 'p', 's');
  await Bun.sleep(1_000);
  const shown = tmux('capture-pane', '-e', '-p', '-t', 'p');
  if (!shown.includes('established')) throw new Error(`There is no call on the screen:\n${shown}`);
  writeFileSync(join(import.meta.dir, 'screen.svg'), svg(shown.split('\n').slice(0, ROWS)));
  tmux('send-keys', '-t', 'p', 'q');
  tmux('send-keys', '-t', 'p', 'y');
  await Bun.sleep(2_000);
} finally {
  spawnSync('tmux', ['-S', socket, 'kill-server']);
  rmSync(folder, { recursive: true });
}

function command(): string {
  return `cd ${folder}; unset CI NO_COLOR; LANG=C.UTF-8 TZ=UTC ${process.execPath} ${main} demo`;
}

function tmux(...words: string[]): string {
  const done = spawnSync('tmux', ['-S', socket, '-f', '/dev/null', ...words], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`tmux ${words[0]}: ${done.stderr}`);
  return done.stdout;
}

function svg(lines: readonly string[]): string {
  const width = COLUMNS * CELL.width + 2 * MARGIN;
  const height = ROWS * CELL.height + 2 * MARGIN;
  const rows = lines.map((line, row) => rowSvg(line, MARGIN + row * CELL.height)).join('');
  const font = `font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${CELL.size}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${font} role="img" aria-label="The screen of ringback demo">
<rect width="100%" height="100%" rx="8" fill="${INK.paper}"/>
${rows}</svg>
`;
}

/** One row: a run of characters of one look is one text, and a rectangle when it is inverse. */
function rowSvg(line: string, top: number): string {
  let column = 0;
  let out = '';
  for (const { text, look } of runs(line)) {
    const x = MARGIN + column * CELL.width;
    const wide = [...text].length;
    const length = wide * CELL.width;
    column += wide;
    if (text.trim() === '' && !look.inverse) continue;
    if (look.inverse) {
      out += `<rect x="${x}" y="${top}" width="${length}" height="${CELL.height}" fill="${look.color}"/>`;
    }
    const fill = look.inverse ? INK.paper : look.color;
    const weight = look.bold ? ' font-weight="bold"' : '';
    out += `<text x="${x}" y="${top + CELL.height - 4}" textLength="${length}" lengthAdjust="spacingAndGlyphs" fill="${fill}"${weight} xml:space="preserve">${escaped(text)}</text>\n`;
  }
  return out;
}

/** The runs of a row, by what its escape sequences say. */
function* runs(line: string): Generator<{ readonly text: string; readonly look: Look }> {
  for (const part of line.split(SGR)) {
    const codes = /^\[([0-9;]*)m$/.exec(part.slice(1))?.[1];
    if (codes === undefined) {
      if (part !== '') yield { text: part, look };
    } else look = changed(look, codes === '' ? [0] : codes.split(';').map(Number));
  }
}

function changed(look: Look, codes: readonly number[]): Look {
  const next = { ...look };
  for (const code of codes) {
    if (code === 0) Object.assign(next, { color: INK.text, bold: false, inverse: false });
    else if (code === 1) next.bold = true;
    else if (code === 2) next.color = INK.dim;
    else if (code === 7) next.inverse = true;
    else if (code === 22) Object.assign(next, { bold: false, color: INK.text });
    else if (code === 27) next.inverse = false;
    else if (code === 39) next.color = INK.text;
    else next.color = COLORS[code] ?? next.color;
  }
  return next;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
