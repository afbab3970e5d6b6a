/**
 * `--plain`: the events as lines for a person, `[RX] 180 Ringing`, `[STATE] established`. A pure function of one
 * event and what is known of its call, so that a golden test is a list of events and a list of lines.
 *
 * There are two ways to read it. A service shows many calls at once: each line names its call, `[RX] call-1-2-001
 * BYE cseq=2`. A command that does one thing prints a transcript: the handle stands once, where the call begins and
 * where it is ended, `[TX] INVITE cseq=1 call_id=call-1-2-001`.
 */
import type { Event, EventOf } from '../events.ts';
import { callStateLine, type MediaKnown, mediaLine } from './plain-call.ts';
import { checkLines, conclusionLines } from './plain-check.ts';
import { at, type Line, line } from './plain-line.ts';
import { pingLine, pingTotalsLine, queryLine } from './plain-ping.ts';
import { printable } from './printable.ts';
import { withOwnPhrase } from './progress-phrase.ts';

/** How the lines are written. */
export interface PlainOptions {
  /** −1 warnings alone, 0 normal, 1 transactions and measurements, 2 the messages too. */
  readonly level: -1 | 0 | 1 | 2;
  readonly style: 'service' | 'transcript';
  /** Colour the tags. */
  readonly color: boolean;
  /** The time in front of each line; none when it is absent. */
  readonly clock?: (atMs: number) => string;
  /** Columns of the terminal, for what is folded there. */
  readonly width?: number;
}

/** The line (or lines) of one event; undefined when this level does not show it. */
export function plainLine(event: Event, options: PlainOptions, known: MediaKnown): string | undefined {
  if (options.level < (LOWEST_LEVEL[event.type] ?? -1)) return undefined;
  if (event.type === 'check.finished') return checkLines(event, options);
  if (event.type === 'doctor.finished') return conclusionLines(event, options);
  const shown = describe(event, options, known);
  if (shown === undefined || shown.level > options.level) return undefined;
  const time = options.clock === undefined ? '' : `${options.clock(event.atMs)} `;
  const tag = `[${shown.tag}]`;
  const first = `${time}${options.color ? colored(shown.tag, tag) : tag} ${shown.text}`;
  return shown.more === undefined ? first : [first, ...shown.more.map((row) => `    ${row}`)].join('\n');
}

/** Below this level an event of that type has no line, whatever it says: most events are not worth describing. */
const LOWEST_LEVEL: Partial<Record<Event['type'], number>> = {
  'sip.received': 0,
  'sip.sent': 0,
  'call.changed': 0,
  'media.started': 0,
  'media.early': 1,
  'media.latched': 0,
  'media.stopped': 0,
  'media.sampled': 1,
  'transaction.changed': 1,
  'dialog.changed': 1,
  'connection.secured': 1,
  'timer.fired': 1,
  'timers.changed': 3,
};

/** The types of events that have no line at that level. */
export function unshownAt(level: PlainOptions['level']): ReadonlySet<Event['type']> {
  const types = Object.entries(LOWEST_LEVEL) as [Event['type'], number][];
  return new Set(types.filter(([, lowest]) => lowest > level).map(([type]) => type));
}

/** One accent; warnings alone are louder. */
function colored(name: string, tag: string): string {
  const loud = name === 'WARN' || name === 'ERROR' || name === 'REJECTED';
  return `\u001b[${loud ? '33' : '36'}m${tag}\u001b[39m`;
}

function describe(event: Event, options: PlainOptions, known: MediaKnown): Line | undefined {
  switch (event.type) {
    case 'session.started':
      return line(1, 'STATE', `ringback ${printable(event.version)} started ${printable(event.wallTime)}`);
    case 'session.stopped':
      return options.style === 'transcript'
        ? line(0, 'EXIT', `code=${event.exitCode}`)
        : line(0, 'STATE', `stopped: ${printable(event.reason)}`);
    case 'address.discovered': {
      const port = event.port === undefined ? '' : ` port ${event.port}`;
      return line(
        options.style === 'service' ? 0 : 1,
        'ADDRESS',
        `${event.scope} ${printable(event.address)}${port} by ${event.learnedBy}`,
      );
    }
    case 'listener.opened':
      return options.style === 'transcript'
        ? line(1, 'LISTEN', `${event.transport} ${at(event.address, event.port)}`)
        : line(0, 'LISTEN', `${event.transport} ${at(event.address, event.port)}`);
    case 'connection.secured': {
      const { direction, remote, protocol, cipher, verified, serial } = event;
      const name = verified === undefined ? '' : ` verified ${printable(verified)}`;
      const number = serial === undefined ? '' : ` serial ${printable(serial)}`;
      const way = `${direction === 'outgoing' ? 'to' : 'from'} ${printable(remote)}`;
      return line(1, 'TLS', `${printable(protocol)} ${printable(cipher)} ${way}${name}${number}`);
    }
    case 'sip.received':
    case 'sip.sent':
      return messageLine(event, options);
    case 'sip.rejected':
      return rejectedLine(event, options);
    case 'registration.changed':
      return registrationLine(event, options);
    case 'binding.changed':
      return bindingLine(event, options);
    case 'auth.challenged': {
      const qop = event.qop === undefined ? '' : ` qop=${printable(event.qop)}`;
      const stale = event.stale === true ? ' stale' : '';
      return line(
        1,
        'AUTH',
        `${event.status} realm="${printable(event.realm)}" ${printable(event.algorithm)}${qop}${stale}`,
      );
    }
    case 'transaction.changed':
      return line(
        1,
        'TRANSACTION',
        `${named(event.call, options)}${event.kind} ${printable(event.method)} ${event.from} -> ${event.to} (${printable(event.cause)})`,
      );
    case 'dialog.changed':
      return line(
        1,
        'DIALOG',
        `${named(event.call, options)}${event.from} -> ${event.to} (${printable(event.cause)})`,
      );
    case 'timer.fired':
      return line(1, 'TIMER', `${named(event.call, options)}${printable(event.name)}`);
    case 'timers.changed':
      return undefined;
    case 'call.changed':
      return callStateLine(event, options.style, known);
    case 'media.early':
    case 'media.started':
    case 'media.latched':
    case 'media.sampled':
    case 'media.stopped':
      return mediaLine(event, named(event.call, options));
    case 'dtmf.received': {
      const held = event.durationMs === undefined ? '' : ` ${Math.round(event.durationMs)} ms`;
      const how = event.by === 'info' ? ' by INFO' : '';
      return line(0, 'DTMF', `${named(event.call, options)}${printable(event.digit)}${held}${how}`);
    }
    case 'dtmf.sent': {
      const level = options.style === 'transcript' ? 1 : 0;
      const key = `sent ${printable(event.digit)} ${Math.round(event.durationMs)} ms`;
      return line(level, 'DTMF', `${named(event.call, options)}${key}`);
    }
    case 'ping.answered':
      return pingLine(event);
    case 'registration.queried':
      return queryLine(event);
    case 'ping.finished':
      return pingTotalsLine(event);
    case 'message.waiting':
      return messageWaitingLine(event);
    case 'diagnosis.raised':
      return diagnosisLine(event, options);
  }
}

/** "call-1-2-001 " in a service, nothing in a transcript. */
function named(call: string | undefined, options: PlainOptions): string {
  return call === undefined || options.style === 'transcript' ? '' : `${printable(call)} `;
}

function messageLine(event: EventOf<'sip.received' | 'sip.sent'>, options: PlainOptions): Line {
  const tag = event.type === 'sip.sent' ? 'TX' : 'RX';
  const response = /^SIP\/\d\.\d (.*)$/.exec(event.startLine)?.[1];
  const method = event.startLine.split(' ', 1)[0] ?? '';
  let text: string;
  if (response !== undefined) {
    const own = options.style === 'transcript' && options.level < 1 && tag === 'RX';
    text = printable(own ? withOwnPhrase(response) : response);
  } else {
    const sequence = event.cseq === undefined ? '' : ` cseq=${printable(event.cseq.split(' ', 1)[0] ?? '')}`;
    const begins = method === 'INVITE' || method === 'BYE';
    const handle =
      options.style === 'transcript' && begins && event.call !== undefined
        ? ` call_id=${printable(event.call)}`
        : '';
    text = `${printable(method)}${sequence}${handle}`;
  }
  // Who calls is worth knowing at every level: the address in From is whatever the caller wrote. And what belongs to
  // no call of ours can be told apart by its peer alone.
  const calls = tag === 'RX' && method === 'INVITE';
  const peer = options.style === 'service' && (calls || event.call === undefined);
  const size =
    options.level < 1 && peer
      ? ` ${tag === 'RX' ? 'from' : 'to'} ${event.transport} ${printable(event.remote)}`
      : options.level >= 1
        ? ` (${event.transport} ${printable(event.remote)} ${event.bytes} bytes)`
        : '';
  const whole = line(0, tag, `${named(event.call, options)}${text}${size}`);
  if (options.level < 2 || event.raw === undefined) return whole;
  return {
    ...whole,
    more: event.raw
      .replace(/(\r?\n)+$/, '')
      .split(/\r?\n/)
      .map((row) => printable(row, 4096)),
  };
}

/** What was wrong, where, and what was done about it. */
function rejectedLine(event: EventOf<'sip.rejected'>, options: PlainOptions): Line {
  const name = named(event.call, options);
  // Byte 0 is nowhere in particular: the request as it is was refused.
  const place = event.offset === 0 ? '' : ` at byte ${event.offset}`;
  const where = `${event.header === undefined ? '' : ` in ${printable(event.header)}`}${place}`;
  const done = event.status === undefined ? 'dropped' : `answered ${event.status}`;
  const hint = event.hint === undefined ? '' : `; ${printable(event.hint)}`;
  const what = `${name}${event.transport} ${printable(event.remote)} ${printable(event.code)}: ${printable(event.detail)}${where}`;
  if (event.line === undefined) return line(-1, 'REJECTED', `${what}; ${done}${hint}`);
  // Nobody answers in a replay; there the line itself is shown.
  const before = ' '.repeat(printable(event.line.slice(0, event.column ?? 0), 4096).length);
  const rows = [printable(event.line, 4096), `${before}^`];
  return {
    ...line(-1, 'REJECTED', what),
    more: event.hint === undefined ? rows : [...rows, `hint: ${printable(event.hint)}`],
  };
}

function registrationLine(event: EventOf<'registration.changed'>, options: PlainOptions): Line {
  const account = options.style === 'transcript' ? '' : `${printable(event.account)} `;
  const parts = [`${account}${event.to}`];
  if (event.to === 'registered' && event.expiresS !== undefined) parts.push(`expires=${event.expiresS}`);
  if (event.to === 'failed' || event.to === 'retrying') {
    if (event.status !== undefined) parts.push(String(event.status));
    const why = event.reason === undefined ? [] : [printable(event.reason)];
    if (event.retryInMs !== undefined) why.push(`again in ${(event.retryInMs / 1000).toFixed(1)} s`);
    if (why.length > 0) parts.push(`(${why.join(', ')})`);
  }
  const level = event.to === 'failed' || event.to === 'retrying' ? -1 : event.to === 'registering' ? 1 : 0;
  return line(level, 'STATE', parts.join(' '));
}

function bindingLine(event: EventOf<'binding.changed'>, options: PlainOptions): Line {
  const lasting = event.expiresS === undefined ? '' : ` expires=${event.expiresS}`;
  // In a transcript the registrar is the stage, and a refresh is worth a look nowhere.
  const level = options.style === 'transcript' || event.change === 'refreshed' ? 1 : 0;
  return line(
    level,
    'BINDING',
    `${printable(event.addressOfRecord)} ${event.change} ${printable(event.contact)}${lasting}`,
  );
}

function messageWaitingLine(event: EventOf<'message.waiting'>): Line {
  const account = event.account === undefined ? '' : `${printable(event.account)} `;
  const counts =
    event.newMessages === undefined ? '' : `, ${event.newMessages} new, ${event.oldMessages ?? 0} old`;
  return line(0, 'MWI', `${account}${event.waiting ? 'messages waiting' : 'no messages waiting'}${counts}`);
}

function diagnosisLine(event: EventOf<'diagnosis.raised'>, options: PlainOptions): Line {
  const about = event.call === undefined ? (event.account ?? '') : named(event.call, options).trim();
  const tag = event.severity === 'info' ? 'NOTE' : event.severity === 'warning' ? 'WARN' : 'ERROR';
  return {
    ...line(
      event.severity === 'info' ? 0 : -1,
      tag,
      `${about === '' ? '' : `${printable(about)} `}${printable(event.code)}: ${printable(event.evidence, 400)}`,
    ),
    more: [`cause: ${printable(event.cause, 400)}`, `next: ${printable(event.next, 400)}`],
  };
}
