/**
 * What one scenario stands on: a temp directory, ports on its own 127.0.0.1, child processes with their logs,
 * and waiting for something with a limit. Why not a test runner: the judge is another program's verdict, and its
 * log has to be there when it says no.
 */
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A scenario's claim that did not hold; its message is the reason that is printed. */
export class Failed extends Error {}

/** Throws `Failed` with that reason unless the claim holds. */
export function check(claim: boolean, reason: string): asserts claim {
  if (!claim) throw new Failed(reason);
}

/** A running peer. */
export interface Peer {
  readonly name: string;
  readonly pid: number;
  /** The exit code, or 128 + the signal's number. */
  readonly exited: Promise<number>;
  readonly log: string;
  kill(signal?: NodeJS.Signals): void;
  /** Everything it has written so far, stdout and stderr. */
  output(): string;
}

/** What a scenario is given. */
export interface Lab {
  /** Its own; the working directory of its peers, deleted when the scenario passes. */
  readonly dir: string;
  /** How to start ringback. */
  readonly ringback: readonly string[];
  /** A SIP port that nobody has, even, with the next seven for the same peer. */
  port(): number;
  /** First and last port for RTP, 1,000 of them. */
  readonly rtpPorts: readonly [number, number];
  /** Starts a program with its output in `<dir>/<name>.log`; it is killed when the scenario ends. */
  spawn(name: string, argv: readonly string[], env?: Record<string, string>): Peer;
  /** Does this when the scenario ends, last first. */
  defer(work: () => void | Promise<void>): void;
}

export const LOOPBACK = '127.0.0.1';

export const sleep = (ms: number): Promise<void> => Bun.sleep(ms);

/** The last lines of a text, for a reason. */
export function tail(text: string, lines = 12): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/** Polls until the claim holds; throws `Failed` after `limitMs`. */
export async function until(
  what: string,
  claim: () => boolean | Promise<boolean>,
  limitMs = 5_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await claim())) {
    if (performance.now() > end) throw new Failed(`waited ${limitMs} ms for ${what}`);
    await sleep(20);
  }
}

/** The value, or `Failed` after `limitMs`. */
export async function within<T>(what: string, promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Failed(`waited ${limitMs} ms for ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until the peer has bound that port. One that ended meanwhile is not waited for: its verdict says why. */
export function untilBound(peer: Peer, transport: 'udp' | 'tcp', port: number): Promise<void> {
  return until(
    `${peer.name} to listen on ${transport} port ${port}`,
    () => isBound(peer, transport, port),
    10_000,
  );
}

/** By the kernel's tables of the network that the peer is in. */
function isBound({ pid }: Peer, transport: 'udp' | 'tcp', port: number): boolean {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listens = transport === 'tcp' ? '0A' : '07';
  try {
    return [transport, `${transport}6`].some((table) =>
      readFileSync(`/proc/${pid}/net/${table}`, 'latin1')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .some(([, local = '', , state]) => local.endsWith(ending) && state === listens),
    );
  } catch {
    return true;
  }
}

/** Runs a program to its end; its standard output. Throws `Failed` when it fails. */
export async function output(argv: readonly string[], limitMs = 20_000): Promise<string> {
  const child = Bun.spawn([...argv], { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', timeout: limitMs });
  const [out, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  check(code === 0, `${argv.slice(0, 3).join(' ')} exited with ${code}: ${tail(errors, 3)}`);
  return out;
}

/** Opens the lab of a scenario, whose network is its own; `close` ends everything that was started in it. */
export function openLab(
  dir: string,
  ringback: readonly string[],
): { readonly lab: Lab; readonly close: () => Promise<void> } {
  const deferred: (() => void | Promise<void>)[] = [];
  mkdirSync(dir, { recursive: true });
  // All below those that Linux gives out (from 32768 on), and away from ringback's default range of RTP ports.
  let next = 20_008;
  const lab: Lab = {
    dir,
    ringback,
    rtpPorts: [30_000, 30_999],
    port() {
      const port = next;
      next += 8;
      return port;
    },
    spawn(name, argv, env) {
      const peer = spawnLogged(dir, name, argv, env);
      deferred.push(async () => {
        peer.kill('SIGKILL');
        await peer.exited;
      });
      return peer;
    },
    defer: (work) => void deferred.push(work),
  };
  const close = async () => {
    for (const work of deferred.reverse()) await work();
  };
  return { lab, close };
}

function spawnLogged(dir: string, name: string, argv: readonly string[], env?: Record<string, string>): Peer {
  const log = join(dir, `${name}.log`);
  const file = openSync(log, 'w');
  const child = Bun.spawn([...argv], {
    cwd: dir,
    stdin: 'ignore',
    stdout: file,
    stderr: file,
    env: { ...process.env, ...env },
  });
  return {
    name,
    pid: child.pid,
    exited: child.exited,
    log,
    kill: (signal = 'SIGTERM') => child.kill(signal),
    output: () => readFileSync(log, 'latin1'),
  };
}
