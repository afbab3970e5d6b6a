/**
 * The lines of a call and its audio. The state line of an answered call says what was agreed, and the last line of
 * the audio says how it went (RFC 3550 §6.4.1 loss and jitter): two lines a person looks for.
 */
import type { EventOf } from '../events.ts';
import { at, type Line, line } from './plain-line.ts';
import { printable } from './printable.ts';

/** The `media.started` of each call that has audio, by its handle. */
export type MediaKnown = ReadonlyMap<string, EventOf<'media.started'>>;

const NUMBERS = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 });

/** `[STATE] call-100-echo-001 established PCMU 127.0.0.1:10000`. */
export function callStateLine(
  event: EventOf<'call.changed'>,
  style: 'service' | 'transcript',
  known: MediaKnown,
): Line {
  const media = known.get(event.call);
  if (style === 'transcript') {
    const passing = event.to === 'calling' || event.to === 'ringing' || event.to === 'answered';
    return line(passing ? 1 : 0, 'STATE', [event.to, ...whyNot(event)].join(' '));
  }
  const parts = [printable(event.call), event.to];
  if (event.to === 'established' && media !== undefined) {
    parts.push(printable(media.codec), at(media.localAddress, media.localPort));
  }
  if (event.from === 'idle') {
    const from = event.direction === 'incoming' ? 'from' : 'to';
    const name = event.displayName === undefined ? '' : ` "${printable(event.displayName, 80)}"`;
    parts.push(`${from}${name} ${printable(event.peer)}`);
  }
  if (event.status !== undefined && event.status >= 300) parts.push(String(event.status));
  if (event.reason !== undefined) parts.push(`(${printable(event.reason)})`);
  if (event.to === 'terminated' && event.durationMs !== undefined) {
    parts.push(`after ${duration(event.durationMs)}`);
  }
  return line(event.to === 'answered' ? 1 : 0, 'STATE', parts.join(' '));
}

/**
 * Why a call that we placed came to nothing: the reason, with the status of whoever said no (nobody said the 408 of a
 * time-out, RFC 3261 §8.1.3.1). A call that was had needs none.
 */
function whyNot({ to, outcome, status, reason }: EventOf<'call.changed'>): string[] {
  if (to !== 'terminated' || outcome === undefined || outcome === 'completed') return [];
  const refused = outcome === 'refused' || outcome === 'authentication';
  const parts = refused && status !== undefined ? [String(status)] : [];
  return reason === undefined ? parts : [...parts, `(${printable(reason)})`];
}

/** What happens to the audio of a call; `name` is its handle and a space, or nothing. */
export function mediaLine(
  event: EventOf<'media.early' | 'media.started' | 'media.latched' | 'media.sampled' | 'media.stopped'>,
  name: string,
): Line {
  switch (event.type) {
    case 'media.early': {
      const { codec, payloadType, direction, remoteAddress, remotePort } = event;
      const from = remoteAddress === undefined ? '' : ` from ${at(remoteAddress, remotePort ?? 0)}`;
      return line(1, 'MEDIA', `${name}early ${printable(codec)} payload ${payloadType} ${direction}${from}`);
    }
    case 'media.started': {
      const to =
        event.remoteAddress === undefined || event.remotePort === undefined
          ? 'an address not known yet'
          : at(event.remoteAddress, event.remotePort);
      const what = `${printable(event.codec)} payload ${event.payloadType} ${event.direction}`;
      return line(
        1,
        'MEDIA',
        `${name}${what} ${at(event.localAddress, event.localPort)} <-> ${to}, RTCP ${event.rtcp}`,
      );
    }
    case 'media.latched': {
      const source = at(event.address, event.port);
      const expected =
        event.expectedAddress === undefined || event.expectedPort === undefined
          ? undefined
          : at(event.expectedAddress, event.expectedPort);
      const surprise = expected === undefined || expected === source ? '' : ` (the SDP said ${expected})`;
      return line(0, 'MEDIA', `${name}audio from ${source}${surprise}`);
    }
    case 'media.sampled': {
      const rate = `${NUMBERS.format(event.packetsReceivedPerS)}/s in, ${NUMBERS.format(event.packetsSentPerS)}/s out`;
      return line(1, 'MEDIA', `${name}${rate}, ${quality(event)}`);
    }
    case 'media.stopped': {
      const errors = event.sendErrors === 0 ? '' : `, ${event.sendErrors} could not be sent`;
      const counts = `${event.packetsReceived} packets in, ${event.packetsSent} out`;
      return line(
        0,
        'MEDIA',
        `${name}ended after ${duration(event.durationMs)}: ${counts}, ${quality(event)}${errors}`,
      );
    }
  }
}

/** `lost 3 (0.5 %), jitter 1.2 ms`; what is not known is not said. */
function quality(totals: EventOf<'media.sampled' | 'media.stopped'>): string {
  const expected = totals.packetsReceived + totals.lost;
  const share = expected === 0 ? '' : ` (${((100 * totals.lost) / expected).toFixed(1)} %)`;
  const parts = [`lost ${totals.lost}${share}`];
  if (totals.reordered > 0) parts.push(`reordered ${totals.reordered}`);
  if (totals.jitterMs !== undefined) parts.push(`jitter ${totals.jitterMs.toFixed(1)} ms`);
  if (totals.rttMs !== undefined) parts.push(`round trip ${totals.rttMs.toFixed(1)} ms`);
  return parts.join(', ');
}

/** `12.3 s`, `4 min 05 s`, `2 h 03 min`. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}
