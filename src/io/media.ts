/**
 * The engine's end of the media threads: starts them, sends them commands, reads their counters.
 *
 * Why the address of the thread's code depends on where this file runs (tried on Bun 1.4.5): from source it
 * stands beside this file. In a compiled binary all code has the binary's own address, file:///$bunfs/root/NAME,
 * and the thread stands at io/media-thread beneath it, if the build names it as a second entry point under the
 * same root:
 *
 *     Bun.build({ entrypoints: ['src/main.ts', 'src/io/media-thread.ts'], root: 'src', compile: { … } })
 *
 * Not `bytecode: true` without `format: 'esm'`: it freezes `import.meta.url` to the path on the machine that
 * built it, and the binary works there and nowhere else.
 */
import { allocateCounters, clearCounters, readCounters } from '../rtp/counters.ts';
import type { MediaCommand, MediaCounters, MediaReport } from '../rtp/session.ts';
import { MAX_RESERVE } from './descriptors.ts';
import { openBatch } from './media-batch.ts';
import { openWaker, type ThreadWake } from './media-wake.ts';
import type { RtpPortsOptions } from './rtp-ports.ts';

/** As `MediaOptions.tickMs`: the second priming packet is due after so long. */
const TICK_MS = 100;

export interface MediaOptions {
  /** 1 or more. */
  readonly threads: number;
  /** First and last RTP port. */
  readonly rtpPorts: readonly [number, number];
  /** The address to bind to; both families on all interfaces when absent. */
  readonly bind?: string;
  /** Slots of the counters. */
  readonly maxCalls: number;
  /** Pairs of ports kept ready, over all threads; 64. */
  readonly reserve?: number;
  /** How often it is looked whether a report or a keepalive is due, in ms; 100. A test that counts packets has time. */
  readonly tickMs?: number;
  /** `bun`: those of Bun also where those of libc could be had. */
  readonly sockets?: 'bun';
  readonly onReport: (report: MediaReport) => void;
}

/** Running media threads. */
export interface Media {
  /** Carries out commands in order, soon (media-batch.ts). `open` only on a port that was reported. */
  send(commands: readonly MediaCommand[]): void;
  /** What has been counted for a slot since its `open`. */
  read(slot: number): MediaCounters;
  /** The reserve is bound and reported, or the range is used up. Rejected when a thread cannot start. */
  readonly ready: Promise<void>;
  /** Closes every socket and ends the threads. */
  close(): Promise<void>;
}

/** `unbind`: a port that no call has is closed, as the reserve is twice full without it. */
export type ThreadCommand = MediaCommand | { readonly type: 'unbind'; readonly port: number };

/** Engine to thread. */
export type ToMediaThread =
  | {
      readonly type: 'start';
      readonly counters: SharedArrayBuffer;
      readonly tickMs: number;
      /** How the thread is woken; absent: by its messages alone. */
      readonly wake?: ThreadWake;
      readonly ports: Omit<RtpPortsOptions, 'onPorts' | 'onExhausted'>;
    }
  /** ThreadCommands as JSON: a text crosses in half the time that objects take. They mostly go by the box instead. */
  | { readonly type: 'commands'; readonly json: string }
  | { readonly type: 'close' };

/** Thread to engine. */
type FromMediaThread = 'ready' | 'closed' | readonly MediaReport[];

interface Thread {
  readonly wake?: ThreadWake;
  readonly tell: (message: ToMediaThread) => void;
  /** Commands as JSON. */
  readonly carry: (json: string) => void;
  readonly terminate: () => void;
  /** Ports that wait for a call, those of `returned` too. */
  idle: number;
  /** Ports of calls whose `close` waits to be sent. */
  returned: number[];
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
}

/** Starts the threads; `ready` tells when the first ports are bound. */
export function startMedia(options: MediaOptions): Media {
  const { threads: count, maxCalls, onReport } = options;
  const shared = allocateCounters(maxCalls);
  const counters = new Float64Array(shared);
  const reserve = Math.ceil((options.reserve ?? MAX_RESERVE) / count);
  /** Which thread has a port. */
  const threadOf = new Map<number, Thread>();
  /** The port of a slot that is open. */
  const portOf = new Map<number, number>();

  const threads = Array.from({ length: count }, (_, index) => {
    const thread = startThread(index, options.sockets, (reports) => {
      for (const report of reports) {
        if (report.type === 'ports') for (const port of report.ports) threadOf.set(port, thread);
        if (report.type === 'ports') thread.idle += report.ports.length;
        onReport(report);
      }
    });
    const ports = { range: options.rtpPorts, bind: options.bind, reserve, thread: index, threads: count };
    const { wake } = thread;
    const tickMs = options.tickMs ?? TICK_MS;
    thread.tell({ type: 'start', counters: shared, tickMs, ports, ...(wake === undefined ? {} : { wake }) });
    return thread;
  });

  const batches = new Map(threads.map((thread) => [thread, openBatch(carry(thread))]));

  function carry(thread: Thread) {
    return (commands: readonly ThreadCommand[]) => {
      thread.carry(JSON.stringify(commands));
      // Said here and not by the thread: it carries out commands in order, so that from now on those ports may be
      // opened again, and a message from there for each call would cost more than the call's audio.
      const { returned } = thread;
      thread.returned = [];
      if (returned.length > 0) onReport({ type: 'ports', ports: returned });
    };
  }

  /** What the end of a call means for the reserve: its port is free once the commands have gone, or there are enough. */
  function close(slot: number): void {
    const port = portOf.get(slot) ?? 0;
    const thread = threadOf.get(port);
    if (thread === undefined) return;
    portOf.delete(slot);
    const surplus = thread.idle >= 2 * reserve;
    if (surplus) threadOf.delete(port);
    else {
      thread.idle += 1;
      thread.returned.push(port);
    }
    batches
      .get(thread)
      ?.add({ type: 'close', slot }, ...(surplus ? [{ type: 'unbind', port } as const] : []));
  }

  function send(command: MediaCommand): void {
    if (command.type === 'stun') {
      for (const batch of batches.values()) batch.add(command);
      return;
    }
    if (command.type === 'close') return close(command.slot);
    if (command.type === 'open') {
      const { slot, port } = command.session;
      // The thread clears them too, but a reader must not see the last call's figures until then.
      clearCounters(counters, slot);
      portOf.set(slot, port);
      const thread = threadOf.get(port);
      if (thread !== undefined) thread.idle -= 1;
    }
    const slot = command.type === 'dtmf' ? command.slot : command.session.slot;
    const thread = threadOf.get(portOf.get(slot) ?? 0);
    if (thread !== undefined) batches.get(thread)?.add(command);
  }

  return {
    send(commands) {
      for (const command of commands) send(command);
    },
    read: (slot) => readCounters(counters, slot),
    ready: Promise.all(threads.map(({ ready }) => ready)).then(() => {}),
    async close() {
      for (const batch of batches.values()) batch.flush();
      for (const { tell } of threads) tell({ type: 'close' });
      await Promise.all(threads.map(({ closed }) => closed));
      for (const { terminate } of threads) terminate();
    },
  };
}

function startThread(
  index: number,
  sockets: MediaOptions['sockets'],
  onReports: (reports: readonly MediaReport[]) => void,
): Thread {
  const bundled = !import.meta.url.endsWith('/io/media.ts');
  const code = new URL(bundled ? './io/media-thread.ts' : './media-thread.ts', import.meta.url);
  const worker = new Worker(code, { name: `media-${index}` });
  const waker = sockets === 'bun' ? undefined : openWaker();
  const ready = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let started = false;
  worker.onmessage = ({ data }: MessageEvent<FromMediaThread>) => {
    if (data === 'ready') {
      started = true;
      ready.resolve();
    } else if (data === 'closed') closed.resolve();
    else onReports(data);
  };
  worker.onerror = ({ message }) => {
    const error = new Error(`media thread: ${message}`);
    // Before it is ready somebody waits for it; later it is a bug of ours, and must not pass in silence.
    if (started) throw error;
    ready.reject(error);
  };
  function tell(message: ToMediaThread): void {
    waker?.announce();
    worker.postMessage(message);
    waker?.raise();
  }
  return {
    ...(waker === undefined ? {} : { wake: waker.wake }),
    tell,
    carry(json) {
      if (waker?.box(json) !== true) tell({ type: 'commands', json });
    },
    terminate() {
      worker.terminate();
      waker?.close();
    },
    idle: 0,
    returned: [],
    ready: ready.promise,
    closed: closed.promise,
  };
}
