/**
 * What a file of messages tells about one exchange, in lines for a person: who called whom, each transaction with its
 * final status, what was offered and answered, and how it ended. They stand under the transcript of `ringback replay`.
 */
import type { SdpSummary } from './message-text.ts';
import { duration } from './plain-call.ts';
import { at } from './plain-line.ts';
import { printable } from './printable.ts';
import type { ExchangeTold, TransactionTold } from './story.ts';

/** The line above everything: its name and both sides. */
export function exchangeTitle(told: ExchangeTold): string {
  const { kind, key, from, to, remote, transport } = told;
  const way = remote === undefined || remote === 'unknown' ? '' : `, ${transport} ${printable(remote)}`;
  if (kind === 'call') return `${printable(key)}: ${side(from)} calls ${side(to)}${way}`;
  if (kind === 'registration') return `${printable(key)} registers${way}`;
  const method = told.transactions[0]?.method ?? 'message';
  return `${printable(method)} from ${side(from)} to ${side(to)}${way}`;
}

/** The lines below the transcript. */
export function explanation(told: ExchangeTold): string[] {
  const lines = told.transactions.map(transactionLine);
  for (const { sent, label, sdp } of told.descriptions) {
    lines.push(`session     ${sent ? 'sent' : 'received'} with ${printable(label)}: ${sdpLine(sdp)}`);
  }
  for (const media of told.media) {
    const { codec, payloadType, direction, localAddress, localPort, remoteAddress, remotePort } = media;
    const far =
      remoteAddress === undefined || remotePort === undefined ? 'nowhere' : at(remoteAddress, remotePort);
    const near = at(localAddress, localPort);
    lines.push(
      `audio       ${printable(`${codec} payload ${payloadType} ${direction}, ${near} <-> ${far}`)}`,
    );
  }
  lines.push(`outcome     ${outcome(told)}`);
  return lines;
}

function transactionLine(one: TransactionTold): string {
  const { method, cseq, sent, provisional, final, finalMs, startedMs, repeated } = one;
  const number = cseq.split(' ', 1)[0] ?? '';
  const who = sent ? 'sent' : 'received';
  const before =
    provisional.length === 0 ? '' : `${provisional.map((label) => label.split(' ', 1)[0]).join(', ')}, `;
  const end =
    final === undefined || finalMs === undefined
      ? 'no final response'
      : `${final}${after(finalMs - startedMs)}`;
  const times = repeated === 0 ? '' : `, ${repeated} retransmission${repeated === 1 ? '' : 's'}`;
  return `transaction ${printable(method)} ${printable(number)} ${who}: ${printable(before + end)}${times}`;
}

/** How it ended, in one sentence. */
export function outcome(told: ExchangeTold): string {
  const { kind, state, status, reason, establishedMs, startedMs, durationMs, expiresS } = told;
  const why = reason === undefined ? '' : `: ${printable(reason)}`;
  if (told.transactions.length === 0 && state === undefined) return 'its request is not in this file';
  if (kind === 'registration') {
    if (state === 'registered') return `registered${expiresS === undefined ? '' : ` for ${expiresS} s`}`;
    if (state === 'registering') return 'no final response in this file';
    return `${state ?? 'nothing is known'}${status === undefined ? '' : ` ${status}`}${why}`;
  }
  if (kind === 'other') {
    const final = told.transactions[0]?.final;
    return final === undefined ? 'no final response in this file' : `answered ${printable(final)}`;
  }
  if (establishedMs !== undefined) {
    const up = `established${after(establishedMs - startedMs)}`;
    if (state !== 'terminated') return `${up}, still up at the end of the file`;
    const lasted = durationMs === undefined || durationMs === 0 ? '' : `, lasted ${duration(durationMs)}`;
    return `${up}${lasted}, ended${why}`;
  }
  if (state === 'terminated') return `failed${status === undefined ? '' : ` ${status}`}${why}`;
  return `no final response in this file; last state ${state ?? 'unknown'}`;
}

/** "0 PCMU/8000, 8 PCMA/8000 at 192.0.2.1:4000, sendrecv". */
export function sdpLine({ address, formats, direction, others }: SdpSummary): string {
  const more = others.length === 0 ? '' : `; also ${others.join(', ')}`;
  return printable(`${formats.join(', ')} at ${address}, ${direction}${more}`, 400);
}

/** "0.4 ms", "12 ms", "3.2 s". */
export function milliseconds(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : duration(ms);
}

/** A file without times has none to tell. */
function after(ms: number): string {
  return ms === 0 ? '' : ` after ${milliseconds(ms)}`;
}

function side(uri: string | undefined): string {
  return uri === undefined || uri === '' ? 'somebody' : printable(uri);
}
