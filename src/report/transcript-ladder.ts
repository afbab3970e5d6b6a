/**
 * `--transcript FILE.txt`: a session as ladders of plain text, one for each exchange, that fit 80 columns wherever they
 * are pasted. ASCII alone, because a wide character of a stranger would bend the ladder.
 */
import { exchangeTitle, explanation, milliseconds } from './explanation.ts';
import { printable } from './printable.ts';
import type { ExchangeTold, Step, Story } from './story.ts';

/** Columns of a line. */
const WIDTH = 80;
/** Of the time, with the space after it. */
const TIME = 11;
/** Between the two uprights. */
const BETWEEN = WIDTH - TIME - 2;

/** The whole file. */
export function ladderTranscript(story: Story): string {
  const lines: string[] = [];
  if (story.startedAt !== undefined) lines.push(`Session of ${plain(story.startedAt)}`, '');
  if (story.exchangesLeftOut > 0) lines.push(`(${story.exchangesLeftOut} earlier ones are left out)`, '');
  for (const told of story.exchanges) lines.push(...ladder(told), '');
  for (const { atMs, code, detail, remote } of story.rejected) {
    lines.push(...wrapped(`rejected at ${milliseconds(atMs)} from ${remote}, ${code}: ${detail}`));
  }
  if (story.rejectedLeftOut > 0) lines.push(`(${story.rejectedLeftOut} more were rejected)`);
  return `${lines.join('\n').trimEnd()}\n`;
}

function ladder(told: ExchangeTold): string[] {
  const { startedMs, steps, stepsLeftOut, remote } = told;
  const far = plain(remote === undefined || remote === 'unknown' ? 'the other side' : remote).slice(0, 40);
  const head = `${' '.repeat(TIME)}this side${far.padStart(WIDTH - TIME - 'this side'.length)}`;
  const rungs = steps.map((step) => rung(step, startedMs));
  const more = stepsLeftOut === 0 ? [] : [upright(`(${stepsLeftOut} more are left out)`, '')];
  const below = explanation(told).flatMap((line) => wrapped(line));
  return [...wrapped(exchangeTitle(told)), '', head, ...rungs, ...more, '', ...below];
}

function rung(step: Step, startedMs: number): string {
  const time = `+${((step.atMs - startedMs) / 1000).toFixed(3)}`;
  if (step.type === 'note') return upright(step.text, time);
  const { label, cseq, again, sdp, sent } = step;
  const number = /^[A-Z]/.test(label) ? ` ${cseq.split(' ', 1)[0]}` : '';
  const words = ` ${plain(label).slice(0, 40)}${number}${sdp === undefined ? '' : ' (SDP)'}${again ? ' again' : ''} `;
  const rest = BETWEEN - 1 - words.length;
  const [left, right] = [Math.floor(rest / 2), Math.ceil(rest / 2)];
  const arrow = sent
    ? `${'-'.repeat(left)}${words}${'-'.repeat(right)}>`
    : `<${'-'.repeat(left)}${words}${'-'.repeat(right)}`;
  return `${time.padStart(TIME - 1)} |${arrow}|`;
}

/** A line between the uprights that is no message. */
function upright(text: string, time: string): string {
  const cut = plain(text).slice(0, BETWEEN - 4);
  const left = Math.floor((BETWEEN - cut.length) / 2);
  return `${time.padStart(TIME - 1)} |${' '.repeat(left)}${cut}${' '.repeat(BETWEEN - cut.length - left)}|`;
}

/** Lines of at most 80 columns, broken at spaces, the further ones indented. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of plain(text).split(' ')) {
    const start = lines.length === 0 ? '' : '    ';
    if (line === '') line = start + word;
    else if (line.length + 1 + word.length <= WIDTH) line += ` ${word}`;
    else {
      lines.push(line);
      line = `    ${word}`;
    }
    for (; line.length > WIDTH; line = `    ${line.slice(WIDTH)}`) lines.push(line.slice(0, WIDTH));
  }
  return [...lines, line];
}

function plain(text: string): string {
  return printable(text, 1_000).replace(/[^\x20-\x7e]/gu, '?');
}
