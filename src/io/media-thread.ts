/**
 * The media thread: the Worker that owns the RTP sockets. It only joins the ports, the calls and the messages.
 *
 * Why a thread: neither a redraw of the screen nor a burst of registrations may add jitter to somebody's voice.
 *
 * With sockets of libc it waits in a loop of its own, and comes back to Bun's when there is a message to be handed over.
 */
import type { MediaReport } from '../rtp/session.ts';
import { bunUdpSockets } from './bun-udp-sockets.ts';
import { mayKill } from './call-filter.ts';
import { openLibc } from './libc.ts';
import { type LibcUdpSockets, openLibcUdpSockets } from './libc-udp-sockets.ts';
import type { ThreadCommand, ToMediaThread } from './media.ts';
import { type Batch, openBatch } from './media-batch.ts';
import { type MediaCalls, openMediaCalls } from './media-calls.ts';
import type { ThreadWake } from './media-wake.ts';
import { openRtpPorts, type RtpPorts } from './rtp-ports.ts';
import { openStunPorts, type StunPorts } from './stun-ports.ts';

declare const self: Worker;

/** What a started thread consists of. */
interface Parts {
  readonly ports: RtpPorts;
  readonly calls: MediaCalls;
  readonly stun: StunPorts;
  /** Reports travel in batches, as commands do. */
  readonly reports: Batch<MediaReport>;
  readonly loop: LibcUdpSockets | undefined;
}

let parts: Parts | undefined;
/** Messages that were handed over, as `ThreadWake.sent` counts them. */
let taken = 0;

self.onmessage = ({ data }: MessageEvent<ToMediaThread>) => {
  taken = (taken + 1) | 0;
  if (data.type === 'start') parts = start(data);
  else if (parts === undefined) return;
  else if (data.type === 'commands') carryOut(parts, JSON.parse(data.json));
  else {
    close(parts);
    parts = undefined;
  }
};

function start(data: Extract<ToMediaThread, { type: 'start' }>): Parts {
  const loop = data.wake === undefined ? undefined : openLoop(data.wake);
  const sockets = loop ?? bunUdpSockets;
  const reports = openBatch<MediaReport>((batch) => self.postMessage(batch), sockets.after);
  const post = (report: MediaReport): void => reports.add(report);
  const ports = openRtpPorts(
    {
      ...data.ports,
      onPorts: (bound) => post({ type: 'ports', ports: bound }),
      onExhausted: (detail) => post({ type: 'ports-exhausted', detail }),
      onStun: (pair, component, bytes, port, address) => stun.received(pair, component, bytes, port, address),
    },
    sockets,
  );
  const stun = openStunPorts(ports, post);
  const calls = openMediaCalls(ports, new Float64Array(data.counters), post, data.tickMs);
  void ports.fill().then(() => {
    reports.flush();
    self.postMessage('ready');
  });
  return { ports, calls, stun, reports, loop };
}

/** Waits in turns with Bun's loop, for as long as it is the thread's. */
function openLoop({ fd, sent }: ThreadWake): LibcUdpSockets | undefined {
  const libc = openLibc();
  const loop = libc === undefined ? undefined : openLibcUdpSockets(libc, fd);
  if (loop === undefined) return undefined;
  // A packet is some microseconds of work, and its echo must not wait until somebody else's milliseconds are over.
  if (!mayKill(process.env.INVOCATION_ID)) libc?.askShortTurns();
  const count = new Int32Array(sent);
  const pending = (): boolean => Atomics.load(count, 0) !== taken;
  const turn = (): void => {
    if (parts?.loop !== loop) return;
    loop.serve(pending);
    setImmediate(turn);
  };
  setImmediate(turn);
  return loop;
}

function carryOut({ stun, ports, calls }: Parts, commands: readonly ThreadCommand[]): void {
  for (const command of commands) {
    if (command.type === 'stun') stun.use(command.server);
    else if (command.type === 'unbind') ports.unbind(command.port);
    else calls.execute(command);
  }
}

function close({ calls, stun, ports, reports, loop }: Parts): void {
  calls.close();
  stun.use(undefined);
  void ports.close();
  reports.flush();
  loop?.close();
  self.postMessage('closed');
}
