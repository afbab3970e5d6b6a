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
import { BATCH_MS } from './media-batch.ts';
import type { RtpPortsOptions } from './rtp-ports.ts';

/** Pairs of ports that wait for calls, over all threads. */
const DEFAULT_RESERVE = 64;

export interface MediaOptions {
  /** 1 or more. */
  readonly threads: number;
  /** First and last RTP port. */
  readonly rtpPorts: readonly [number, number];
  /** The address to bind to; both families on all interfaces when absent. */
  readonly bind?: string;
  /** Slots of the counters. */
  readonly maxCalls: number;
  /** Pairs of ports kept ready; 64. */
  readonly reserve?: number;
  readonly onReport: (report: MediaReport) => void;
}

/** Running media threads. */
export interface Media {
  /** Carries out commands in order, within BATCH_MS. `open` only on a port that was reported. */
  send(commands: readonly MediaCommand[]): void;
  /** What has been counted for a slot since its `open`. */
  read(slot: number): MediaCounters;
  /** The reserve is bound and reported, or the range is used up. Rejected when a thread cannot start. */
  readonly ready: Promise<void>;
  /** Closes every socket and ends the threads. */
  close(): Promise<void>;
}

/** Engine to thread. */
export type ToMediaThread =
  | {
      readonly type: 'start';
      readonly counters: SharedArrayBuffer;
      readonly ports: Omit<RtpPortsOptions, 'onPorts' | 'onExhausted'>;
    }
  | { readonly type: 'commands'; readonly commands: readonly MediaCommand[] }
  | { readonly type: 'close' };

/** Thread to engine. */
type FromMediaThread = 'ready' | 'closed' | readonly MediaReport[];

interface Thread {
  readonly worker: Worker;
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
}

/** Starts the threads; `ready` tells when the first ports are bound. */
export function startMedia(options: MediaOptions): Media {
  const { threads: count, maxCalls, onReport } = options;
  const shared = allocateCounters(maxCalls);
  const counters = new Float64Array(shared);
  /** Which thread has a port, and a slot. */
  const portOwner = new Map<number, number>();
  const slotOwner = new Map<number, number>();

  const threads = Array.from({ length: count }, (_, index) =>
    startThread(index, (reports) => {
      for (const report of reports) {
        if (report.type === 'ports') for (const port of report.ports) portOwner.set(port, index);
        onReport(report);
      }
    }),
  );
  threads.forEach(({ worker }, thread) => {
    const reserve = Math.ceil((options.reserve ?? DEFAULT_RESERVE) / count);
    const ports = { range: options.rtpPorts, bind: options.bind, reserve, thread, threads: count };
    tell(worker, { type: 'start', counters: shared, ports });
  });

  function ownerOf(command: Exclude<MediaCommand, { type: 'stun' }>): number {
    if (command.type === 'close' || command.type === 'dtmf') return slotOwner.get(command.slot) ?? 0;
    const { slot, port } = command.session;
    if (command.type === 'open') slotOwner.set(slot, portOwner.get(port) ?? 0);
    return slotOwner.get(slot) ?? 0;
  }

  let batches = threads.map((): MediaCommand[] => []);
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const full = batches;
    batches = threads.map(() => []);
    for (const [index, commands] of full.entries()) {
      const worker = threads[index]?.worker;
      if (worker !== undefined && commands.length > 0) tell(worker, { type: 'commands', commands });
    }
  }

  return {
    send(commands) {
      for (const command of commands) {
        if (command.type === 'stun') {
          for (const batch of batches) batch.push(command);
          continue;
        }
        // The thread clears them too, but a reader must not see the last call's figures until then.
        if (command.type === 'open') clearCounters(counters, command.session.slot);
        batches[ownerOf(command)]?.push(command);
      }
      timer ??= setTimeout(flush, BATCH_MS);
    },
    read: (slot) => readCounters(counters, slot),
    ready: Promise.all(threads.map(({ ready }) => ready)).then(() => {}),
    async close() {
      flush();
      for (const { worker } of threads) tell(worker, { type: 'close' });
      await Promise.all(threads.map(({ closed }) => closed));
      for (const { worker } of threads) worker.terminate();
    },
  };
}

function tell(worker: Worker, message: ToMediaThread): void {
  worker.postMessage(message);
}

function startThread(index: number, onReports: (reports: readonly MediaReport[]) => void): Thread {
  const bundled = !import.meta.url.endsWith('/io/media.ts');
  const code = new URL(bundled ? './io/media-thread.ts' : './media-thread.ts', import.meta.url);
  const worker = new Worker(code, { name: `media-${index}` });
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
  return { worker, ready: ready.promise, closed: closed.promise };
}
