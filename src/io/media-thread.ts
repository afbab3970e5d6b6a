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
import { openWoken, type Woken } from './media-wake.ts';
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
  /** Absent without a loop that looks into its box. */
  readonly woken: Woken | undefined;
}

let parts: Parts | undefined;

self.onmessage = ({ data }: MessageEvent<ToMediaThread>) => {
  if (data.type === 'start') {
    parts = start(data);
    parts.woken?.took();
    return;
  }
  if (parts === undefined) return;
  // What is in the box was sent before it, and what comes into it from now on after it.
  unbox(parts);
  parts.woken?.took();
  if (data.type === 'commands') return carryOut(parts, data.json);
  close(parts);
  parts = undefined;
};

function start(data: Extract<ToMediaThread, { type: 'start' }>): Parts {
  const woken = data.wake === undefined ? undefined : openWoken(data.wake);
  const loop = data.wake === undefined || woken === undefined ? undefined : openLoop(data.wake.fd, woken);
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
  return { ports, calls, stun, reports, loop, woken: loop && woken };
}

/** Waits in turns with Bun's loop, for as long as it is the thread's. */
function openLoop(fd: number, { pending }: Woken): LibcUdpSockets | undefined {
  const libc = openLibc();
  const loop = libc === undefined ? undefined : openLibcUdpSockets(libc, fd);
  if (loop === undefined) return undefined;
  // A packet is some microseconds of work, and its echo must not wait until somebody else's milliseconds are over.
  if (!mayKill(process.env.INVOCATION_ID)) libc?.askShortTurns();
  const turn = (): void => {
    if (parts?.loop !== loop) return;
    loop.serve(pending);
    unbox(parts);
    setImmediate(turn);
  };
  setImmediate(turn);
  return loop;
}

function unbox(parts: Parts): void {
  const json = parts.woken?.unbox();
  if (json !== undefined) carryOut(parts, json);
}

function carryOut({ stun, ports, calls }: Parts, json: string): void {
  const commands: readonly ThreadCommand[] = JSON.parse(json);
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
