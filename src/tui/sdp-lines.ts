/**
 * The last offer and the last answer of a call side by side (RFC 3264), the lines that decide about audio alone. Read
 * from the messages as they stand in the ladder: which codecs, where to, in which direction.
 */
import type { CallFacts } from './call-facts.ts';
import { cell, type Line } from './cells.ts';

/** Lines of each that are shown. */
const SHOWN = 8;

/** One session description and who sent it. */
interface Body {
  readonly from: 'ours' | 'theirs';
  readonly lines: readonly string[];
}

/** A title and up to eight rows; nothing while no description is known. */
export function sdpLines(call: CallFacts, columns: number): Line[] {
  const [offer, answer] = lastExchange(call);
  if (offer === undefined) return [];
  const half = Math.floor((columns - 3) / 2);
  const rows = Math.min(SHOWN, Math.max(offer.lines.length, answer?.lines.length ?? 0));
  const title: Line = [
    { text: cell(`OFFER (${offer.from})`, half), style: 'dim' },
    { text: '   ' },
    { text: cell(answer === undefined ? 'no answer yet' : `ANSWER (${answer.from})`, half), style: 'dim' },
  ];
  const body = Array.from(
    { length: rows },
    (_, row): Line => [
      { text: `${cell(offer.lines[row] ?? '', half)}   ` },
      { text: cell(answer?.lines[row] ?? '', half) },
    ],
  );
  return [title, ...body];
}

/** The last offer and what answered it. A description that is said again (183, then 200) is no new offer. */
function lastExchange(call: CallFacts): readonly [Body | undefined, Body | undefined] {
  let offer: Body | undefined;
  let answer: Body | undefined;
  for (const { event, again } of call.ladder) {
    if (again || (event.type !== 'sip.sent' && event.type !== 'sip.received') || event.raw === undefined)
      continue;
    const lines = audioLines(event.raw);
    if (lines === undefined) continue;
    const body: Body = { from: event.type === 'sip.sent' ? 'ours' : 'theirs', lines };
    if (offer !== undefined && answer === undefined && offer.from !== body.from) answer = body;
    else if (answer === undefined || answer.from !== body.from || answer.lines.join() !== lines.join()) {
      offer = body;
      answer = undefined;
    }
  }
  return [offer, answer];
}

/** The c=, m= and deciding a= lines of a message's description; undefined when it has none. */
function audioLines(raw: string): readonly string[] | undefined {
  const start = raw.search(/\r?\n\r?\n/);
  if (start < 0) return undefined;
  const body = raw.slice(start).trimStart();
  if (!body.startsWith('v=0')) return undefined;
  return body
    .split(/\r?\n/)
    .filter((line) => /^(?:m=|c=|a=(?:rtpmap|sendrecv|sendonly|recvonly|inactive|rtcp))/.test(line));
}
