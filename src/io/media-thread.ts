/**
 * The media thread: the Worker that owns the RTP sockets. It only joins the ports, the calls and the messages.
 *
 * Why a thread: neither a redraw of the screen nor a burst of registrations may add jitter to somebody's voice.
 */
import type { MediaReport } from '../rtp/session.ts';
import type { ToMediaThread } from './media.ts';
import { openBatch } from './media-batch.ts';
import { type MediaCalls, openMediaCalls } from './media-calls.ts';
import { openRtpPorts, type RtpPorts } from './rtp-ports.ts';
import { openStunPorts, type StunPorts } from './stun-ports.ts';

declare const self: Worker;

let ports: RtpPorts | undefined;
let calls: MediaCalls | undefined;
let stun: StunPorts | undefined;

/** Reports travel in batches, as commands do. */
const reports = openBatch<MediaReport>((batch) => self.postMessage(batch));
const post = (report: MediaReport): void => reports.add(report);

self.onmessage = (message: MessageEvent<ToMediaThread>) => {
  const { data } = message;
  if (data.type === 'commands') {
    for (const command of data.commands) {
      if (command.type === 'stun') stun?.use(command.server);
      else if (command.type === 'unbind') ports?.unbind(command.port);
      else calls?.execute(command);
    }
    return;
  }
  if (data.type === 'close') {
    calls?.close();
    stun?.use(undefined);
    ports?.close();
    reports.flush();
    self.postMessage('closed');
    return;
  }
  ports = openRtpPorts({
    ...data.ports,
    onPorts: (bound) => post({ type: 'ports', ports: bound }),
    onExhausted: (detail) => post({ type: 'ports-exhausted', detail }),
    onStun: (pair, component, bytes, port, address) => stun?.received(pair, component, bytes, port, address),
  });
  stun = openStunPorts(ports, post);
  const started = openMediaCalls(ports, new Float64Array(data.counters), post);
  calls = started;
  setInterval(() => started.tick(), data.tickMs);
  void ports.fill().then(() => {
    reports.flush();
    self.postMessage('ready');
  });
};
