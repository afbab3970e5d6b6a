/**
 * Runs ringback's lab commands as a person does, each in a process of its own, with one agent for the scenario: the
 * folder of its socket is the scenario's, and short, because a socket's path may not be long.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Status } from '../src/agent/control-message.ts';
import { check, type Lab, LOOPBACK, until, within } from './lab.ts';

/** Where the agent's audio is, for a capture. */
export const AGENT_AUDIO = 'portrange 10000-20000';

/** How a command ended. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** One user's commands. */
export interface Commands {
  /** The folder of the agent's socket. */
  readonly folder: string;
  readonly env: Record<string, string>;
  /** Runs a command to its end, for at most 20 s. */
  run(...words: string[]): Promise<Ended>;
  /** Starts one and leaves it running. */
  start(...words: string[]): ReturnType<typeof Bun.spawn> & { readonly ended: Promise<Ended> };
  status(): Promise<Status[]>;
  /** The process number of the agent. */
  agent(): Promise<number>;
}

let runs = 0;

/** Opens them; what runs at the end of the scenario is ended. */
export function openCommands(lab: Lab, password?: string): Commands {
  const runtime = mkdtempSync('/tmp/rb-');
  const folder = join(runtime, 'ringback');
  const env = {
    XDG_RUNTIME_DIR: runtime,
    ...(password === undefined ? {} : { SIP_PASSWORD: password }),
  };
  const start: Commands['start'] = (...words) => {
    const child = Bun.spawn([...lab.ringback, ...words], {
      cwd: lab.dir,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      env: { ...process.env, ...env },
    });
    const log = join(lab.dir, `ringback-${++runs}-${words[0]}.log`);
    const ended = (async () => {
      const [stdout, stderr] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      const code = await child.exited;
      writeFileSync(log, `$ ringback ${words.join(' ')}\n${stdout}${stderr}exit code ${code}\n`);
      return { stdout, stderr, code };
    })();
    lab.defer(() => child.kill('SIGKILL'));
    return Object.assign(child, { ended });
  };
  const commands: Commands = {
    folder,
    env,
    start,
    run: (...words) => within(`ringback ${words.join(' ')}`, start(...words).ended, 20_000),
    async status() {
      const { stdout, code } = await commands.run('status', '--json');
      check(code === 0, `status ended with ${code}`);
      return JSON.parse(stdout) as Status[];
    },
    async agent() {
      const found = (await commands.status()).find(({ kind }) => kind === 'agent');
      check(found !== undefined, 'no agent runs');
      return found.pid;
    },
  };
  lab.defer(async () => {
    await commands.run('stop').catch(() => undefined);
    rmSync(runtime, { recursive: true, force: true });
  });
  return commands;
}

/** The words that register that user with a server on loopback. */
export function registerWords(user: string, port: number, domain: string): string[] {
  return ['register', '--user', user, '--server', LOOPBACK, '--port', `${port}`, '--domain', domain];
}

/** Throws unless the command ended like this. */
export function checkEnded(what: string, ended: Ended, code: number, stdout?: readonly string[]): void {
  const said = `${ended.stdout}${ended.stderr}`;
  check(ended.code === code, `${what} ended with ${ended.code}, not ${code}:\n${said}`);
  const expected = stdout === undefined ? ended.stdout : `${stdout.join('\n')}\n`;
  check(ended.stdout === expected, `${what} said\n${ended.stdout}where this was due:\n${expected}`);
}

/** Waits until that process is no more. */
export function untilGone(pid: number, limitMs: number): Promise<void> {
  return until(
    `process ${pid} to end`,
    () => {
      try {
        // One that has ended and whose parent has not looked yet is gone, too.
        return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      } catch {
        return true;
      }
    },
    limitMs,
  );
}
