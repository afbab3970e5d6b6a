/**
 * Writes one call of the screen to a file: its transcript as markdown or as a ladder, or its messages as a capture,
 * by the name of the file. What exists already is left alone.
 */
import { writeFileSync } from 'node:fs';
import type { Event } from '../events.ts';
import { type Endpoint, pcapOf } from '../report/pcap.ts';
import { storyTeller } from '../report/story.ts';
import { transcriptForm } from '../report/transcript.ts';

/** What the screen knows of the call, and of where we are. */
export interface ExportedCall {
  readonly events: readonly Event[];
  readonly us: Endpoint;
  readonly startedWallMs: number;
}

/** A sentence about how it went. */
export function exportCall(call: ExportedCall, file: string): string {
  const form = /\.pcap$/i.test(file) ? 'pcap' : transcriptForm(file);
  if (form === undefined) return `${file} must end in .md (markdown), .txt (a ladder) or .pcap (a capture).`;
  try {
    writeFileSync(file, form === 'pcap' ? capture(call) : form(told(call)), { flag: 'wx', mode: 0o600 });
    return `Written to ${file}.`;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return `${file} exists already: nothing was written.`;
    return `${file} cannot be written: ${error instanceof Error ? error.message : String(error)}.`;
  }
}

function capture({ events, us, startedWallMs }: ExportedCall): Uint8Array {
  return pcapOf(events, us, startedWallMs);
}

function told({ events }: ExportedCall) {
  const story = storyTeller();
  for (const event of events) story.event(event);
  return story.tell();
}
