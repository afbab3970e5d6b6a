/**
 * `--transcript FILE.md`: a session as markdown: for each exchange a Mermaid sequence diagram, its transactions with
 * their states and times, what was described and agreed, and the diagnoses.
 *
 * Reason phrases and addresses are whatever a stranger wrote. In the text they stand in code spans, in a diagram every
 * character that could mean something to Mermaid is written as its number.
 */
import { exchangeTitle, milliseconds, outcome, sdpLine } from './explanation.ts';
import { at } from './plain-line.ts';
import { printable } from './printable.ts';
import type { ExchangeTold, Step, Story, TransactionTold } from './story.ts';

/** The whole file. */
export function markdownTranscript(story: Story): string {
  const { startedAt, exchanges, exchangesLeftOut, rejected, rejectedLeftOut } = story;
  const known = startedAt !== undefined && /^[\dTZ:.+-]+$/.test(startedAt);
  const parts = [`# ${known ? `Session of ${startedAt}` : 'Transcript'}`];
  if (exchangesLeftOut > 0) parts.push(`${exchangesLeftOut} earlier exchanges are left out.`);
  for (const told of exchanges) parts.push(...exchangeParts(told));
  if (rejected.length > 0) {
    const rows = rejected.map(({ atMs, remote, code: what, detail }) =>
      row(milliseconds(atMs), cell(remote), cell(what), cell(detail)),
    );
    parts.push('## Rejected', table(['at', 'from', 'code', 'what was wrong'], rows));
    if (rejectedLeftOut > 0) parts.push(`${rejectedLeftOut} more were rejected.`);
  }
  return `${parts.join('\n\n')}\n`;
}

function exchangeParts(told: ExchangeTold): string[] {
  const parts = [`## ${code(told.key)}`, `${code(exchangeTitle(told))}`, `Outcome: ${code(outcome(told))}`];
  if (told.steps.length > 0) parts.push(diagram(told));
  if (told.transactions.length > 0) {
    const head = ['transaction', 'by', 'answer', 'after', 'again', 'states'];
    parts.push('### Transactions', table(head, told.transactions.map(transactionRow)));
  }
  const { descriptions, media, diagnoses, totals } = told;
  if (descriptions.length > 0) {
    const rows = descriptions.map(({ sent, label, sdp }) =>
      row(cell(label), sent ? 'this side' : 'the other', cell(sdpLine(sdp))),
    );
    parts.push('### Session descriptions', table(['in', 'by', 'what it takes'], rows));
  }
  const agreed = media.map(
    ({ codec, payloadType, direction, localAddress, localPort, remoteAddress, remotePort }) => {
      const far =
        remoteAddress === undefined || remotePort === undefined ? 'nowhere' : at(remoteAddress, remotePort);
      return `- Audio: ${code(`${codec} payload ${payloadType} ${direction}, ${at(localAddress, localPort)} <-> ${far}`)}`;
    },
  );
  if (totals !== undefined) {
    const { packetsReceived, packetsSent, lost } = totals;
    agreed.push(`- Packets: ${packetsReceived} in, ${packetsSent} out, ${lost} lost`);
  }
  if (agreed.length > 0) parts.push(agreed.join('\n'));
  if (diagnoses.length > 0) {
    const rows = diagnoses.map(({ severity, code: what, evidence, cause, next }) =>
      row(severity, cell(what), cell(evidence), cell(cause), cell(next)),
    );
    parts.push('### Diagnoses', table(['severity', 'code', 'evidence', 'likely cause', 'next'], rows));
  }
  return parts;
}

function diagram({ steps, stepsLeftOut, remote }: ExchangeTold): string {
  const lines = steps.map(arrow);
  if (stepsLeftOut > 0) lines.push(`  Note over A,B: ${label(`${stepsLeftOut} more are left out`)}`);
  const head = [
    'sequenceDiagram',
    '  participant A as this side',
    `  participant B as ${label(remote === undefined || remote === 'unknown' ? 'the other side' : remote)}`,
  ];
  return ['```mermaid', ...head, ...lines, '```'].join('\n');
}

function arrow(step: Step): string {
  if (step.type === 'note') return `  Note over A,B: ${label(step.text)}`;
  const { sent, label: what, cseq, again, sdp } = step;
  const request = /^[A-Z]/.test(what);
  const line = request ? '->>' : '-->>';
  const number = request ? ` ${cseq.split(' ', 1)[0]}` : '';
  const more = `${number}${sdp === undefined ? '' : ' (SDP)'}${again ? ' again' : ''}`;
  return `  ${sent ? `A${line}B` : `B${line}A`}: ${label(`${what}${more}`)}`;
}

function transactionRow(one: TransactionTold): string {
  const { method, cseq, sent, provisional, final, finalMs, startedMs, repeated, states } = one;
  const answers = [...provisional, final ?? 'none'].join(', ');
  const after = finalMs === undefined ? '' : milliseconds(finalMs - startedMs);
  const told = states.map(({ atMs, state }) => `${state} ${milliseconds(atMs - startedMs)}`).join(', ');
  const number = cseq.split(' ', 1)[0] ?? '';
  return row(
    cell(`${method} ${number}`),
    sent ? 'this side' : 'the other',
    cell(answers),
    after,
    `${repeated}`,
    cell(told),
  );
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [row(...head), row(...head.map(() => '---')), ...rows].join('\n');
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Text of a stranger as a code span: nothing in it means anything. */
function code(text: string): string {
  const safe = printable(text, 400).replaceAll('`', "'");
  return safe === '' ? '' : `\`${safe}\``;
}

/** The same in a table, where a bar ends the cell, and a backslash of a stranger's before it would undo ours. */
function cell(text: string): string {
  return code(text).replaceAll('|', '\\x7c');
}

/** Text in a diagram. Mermaid takes ";" for an end of line, "#" for a number, and "end" for the end of a block. */
function label(text: string): string {
  return printable(text, 120)
    .replace(/[^A-Za-z0-9 .,:@+_/()[\]-]/gu, (character) => `#${character.codePointAt(0)};`)
    .replace(/\bend\b/gi, (word) => `${word.slice(0, 2)}#${word.charCodeAt(2)};`);
}
