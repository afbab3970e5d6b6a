/** `--transcript FILE`: which form a file gets by its name. */
import type { Story } from './story.ts';
import { ladderTranscript } from './transcript-ladder.ts';
import { markdownTranscript } from './transcript-markdown.ts';

const FORMS: Readonly<Record<string, (story: Story) => string>> = {
  md: markdownTranscript,
  txt: ladderTranscript,
};

/** The form for that name; undefined when it ends neither in .md nor in .txt. */
export function transcriptForm(file: string): ((story: Story) => string) | undefined {
  return FORMS[/\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase() ?? ''];
}
