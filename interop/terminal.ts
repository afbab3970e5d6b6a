/** A real terminal for the screen: tmux holds it, keys go in, and what stands on it is read back. */
import { join } from 'node:path';
import { type Lab, output, until } from './lab.ts';

/** One terminal with a program in it. */
export interface Terminal {
  /** What stands on it, a line a row. */
  screen(): Promise<string>;
  /** Keys by tmux's names: `j`, `Enter`, `Escape`, `C-c`. */
  press(...keys: string[]): Promise<void>;
  /** Waits until the text stands on it. */
  shows(text: string | RegExp, limitMs?: number): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** Whether the alternate screen is on, and the cursor hidden: what a program must put back. */
  state(): Promise<{ readonly alternate: boolean; readonly cursor: boolean }>;
}

/** A terminal of that size that runs a command in a shell; what it ends with is printed as `code=N`. */
export async function openTerminal(
  lab: Lab,
  command: readonly string[],
  size: { readonly columns: number; readonly rows: number } = { columns: 100, rows: 30 },
  name = 'tmux',
): Promise<Terminal> {
  const socket = join(lab.dir, name);
  const tmux = (...words: string[]) => output(['tmux', '-S', socket, '-f', '/dev/null', ...words]);
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const shell = `cd '${lab.dir}'; unset CI NO_COLOR; LANG=C.UTF-8 ${quoted}; echo code=$?; sleep 600`;
  const { columns, rows } = size;
  await tmux('-u', 'new-session', '-d', '-s', 'lab', '-x', `${columns}`, '-y', `${rows}`, shell);
  lab.defer(async () => {
    await tmux('kill-server').catch(() => '');
  });
  const terminal: Terminal = {
    screen: () => tmux('capture-pane', '-p', '-t', 'lab'),
    async press(...keys) {
      for (const key of keys) await tmux('send-keys', '-t', 'lab', key);
    },
    async shows(text, limitMs = 10_000) {
      await until(
        `${text} on the terminal`,
        async () => {
          const shown = await terminal.screen();
          return typeof text === 'string' ? shown.includes(text) : text.test(shown);
        },
        limitMs,
      );
    },
    async resize(wide, high) {
      await tmux('resize-window', '-t', 'lab', '-x', `${wide}`, '-y', `${high}`);
    },
    async state() {
      const flags = await tmux('display-message', '-p', '-t', 'lab', '#{alternate_on} #{cursor_flag}');
      const [alternate, cursor] = flags.trim().split(' ');
      return { alternate: alternate === '1', cursor: cursor === '1' };
    },
  };
  return terminal;
}
