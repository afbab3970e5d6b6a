/**
 * What one scenario stands on: a temp directory, ports of its own on 127.0.0.1, child processes with their logs,
 * and waiting for something with a limit. Why not a test runner: the judge is another program's verdict, and its
 * log has to be there when it says no.
 */
import { createSocket } from 'node:dgram';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
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
  port(): Promise<number>;
  /** First and last port for RTP, 1,000 of them, no other scenario's at the same time. */
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

/** Opens the lab of scenario number `index`; `close` ends everything that was started in it. */
export function openLab(
  dir: string,
  index: number,
  /** 0 to 4: which of those that run at the same time. */
  lane: number,
  ringback: readonly string[],
): { readonly lab: Lab; readonly close: () => Promise<void> } {
  const deferred: (() => void | Promise<void>)[] = [];
  mkdirSync(dir, { recursive: true });
  // SIP ports below those that Linux gives out (from 32768 on); RTP ports away from ringback's default range, which
  // a service on this machine may be using. Somebody's ephemeral port among them does no harm.
  // As many blocks as there may be scenarios: a server that is away must find its port free when it comes back.
  let next = 20_000 + ((index + process.pid) % 170) * 72;
  const firstRtp = 40_000 + (process.pid % 4) * 5_000 + lane * 1_000;
  const lab: Lab = {
    dir,
    ringback,
    rtpPorts: [firstRtp, firstRtp + 999],
    async port() {
      for (;;) {
        const port = next;
        next += 8;
        if (await isFree(port)) return port;
      }
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

/** Whether a peer can have the port, and the two for its media above, on every address of both families. */
async function isFree(port: number): Promise<boolean> {
  const tcp = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '::', () => server.close(() => resolve(true)));
  });
  if (!tcp) return false;
  for (const each of [port, port + 2, port + 4]) {
    const udp = await new Promise<boolean>((resolve) => {
      const socket = createSocket('udp6');
      socket.once('error', () => resolve(false));
      socket.bind(each, '::', () => socket.close(() => resolve(true)));
    });
    if (!udp) return false;
  }
  return true;
}
