/** One event as a line of the log, or of a call's ladder: a mark that says what it is, and what happened. */
import type { Event } from '../events.ts';
import type { Segment, Style } from './cells.ts';

/** A kind that the log can be filtered by. */
export const LOG_KINDS = ['all', 'messages', 'transactions', 'calls', 'trouble'] as const;
export type LogKind = (typeof LOG_KINDS)[number];

const KIND_OF: Partial<Record<Event['type'], LogKind>> = {
  'sip.sent': 'messages',
  'sip.received': 'messages',
  'transaction.changed': 'transactions',
  'dialog.changed': 'transactions',
  'timer.fired': 'transactions',
  'call.changed': 'calls',
  'registration.changed': 'calls',
  'media.started': 'calls',
  'media.latched': 'calls',
  'media.stopped': 'calls',
  'dtmf.received': 'calls',
  'message.waiting': 'calls',
  'sip.rejected': 'trouble',
  'diagnosis.raised': 'trouble',
};

/** Whether the log shows an event: of that kind, and with that text in it. */
export function isShown(event: Event, kind: LogKind, filter: string): boolean {
  if (kind !== 'all' && KIND_OF[event.type] !== kind) return false;
  if (filter === '') return true;
  const call = 'call' in event ? (event.call ?? '') : '';
  const callId = 'callId' in event ? (event.callId ?? '') : '';
  return `${call} ${callId} ${describeEvent(event).text}`.toLowerCase().includes(filter.toLowerCase());
}

/** What stands in front, and in which style. */
export interface Described {
  readonly mark: Segment;
  readonly text: string;
  readonly style?: Style;
}

const tag = (text: string, style: Style = 'dim'): Segment => ({ text, style });

/** The words of an event. Text of strangers is as it came: cells.ts makes it harmless. */
export function describeEvent(event: Event): Described {
  switch (event.type) {
    case 'sip.sent':
    case 'sip.received': {
      const mark = event.type === 'sip.sent' ? tag('TX', 'accent') : tag('RX', 'good');
      const status = Number(/^SIP\/2\.0 (\d{3})/.exec(event.startLine)?.[1] ?? 0);
      const line = event.startLine.replace(/^SIP\/2\.0 /, '').replace(/ SIP\/2\.0$/, '');
      const cseq = event.cseq === undefined ? '' : `  cseq ${event.cseq}`;
      const text = `${line}${status === 0 ? cseq.replace(/ [A-Z]+$/, '') : cseq}`;
      return status >= 400 ? { mark, text, style: 'warn' } : { mark, text };
    }
    case 'sip.rejected': {
      const done = event.status === undefined ? 'dropped' : `answered ${event.status}`;
      const where = event.header === undefined ? '' : ` in ${event.header}`;
      return {
        mark: tag('BAD', 'bad'),
        text: `${event.code}: ${event.detail}${where}; ${done}`,
        style: 'warn',
      };
    }
    case 'transaction.changed':
      return {
        mark: tag('TXN'),
        text: `${event.kind} ${event.method} ${event.from} > ${event.to} (${event.cause})`,
        style: 'dim',
      };
    case 'dialog.changed':
      return { mark: tag('DLG'), text: `dialog ${event.from} > ${event.to} (${event.cause})`, style: 'dim' };
    case 'timer.fired':
      return { mark: tag('TMR'), text: `${event.name} fired`, style: 'dim' };
    case 'call.changed': {
      const why = event.reason === undefined ? '' : ` (${event.reason})`;
      const status = event.status === undefined ? '' : ` ${event.status}`;
      return { mark: tag('CALL', 'accent'), text: `${event.from} > ${event.to}${status}${why}` };
    }
    case 'registration.changed': {
      const why = event.reason === undefined ? '' : ` (${event.reason})`;
      const text = `${event.account} ${event.to}${event.status === undefined ? '' : ` ${event.status}`}${why}`;
      const bad = event.to === 'failed' || event.to === 'retrying';
      return { mark: tag('REG', 'accent'), text, ...(bad ? { style: 'warn' as const } : {}) };
    }
    case 'auth.challenged':
      return {
        mark: tag('AUTH'),
        text: `${event.status} realm "${event.realm}" ${event.algorithm}`,
        style: 'dim',
      };
    case 'diagnosis.raised': {
      const style = event.severity === 'error' ? 'bad' : event.severity === 'warning' ? 'warn' : 'accent';
      return { mark: tag('WHY', style), text: `${event.code}: ${event.evidence}`, style };
    }
    case 'media.started':
      return { mark: tag('RTP'), text: `${event.codec} ${event.direction}, expects ${remoteOf(event)}` };
    case 'media.latched':
      return { mark: tag('RTP'), text: `audio from ${hostPort(event.address, event.port)}` };
    case 'media.stopped':
      return {
        mark: tag('RTP'),
        text: `audio ended: ${event.packetsReceived} in, ${event.packetsSent} out, ${event.lost} lost`,
      };
    case 'dtmf.received':
      return { mark: tag('DTMF'), text: event.digit };
    case 'message.waiting':
      return { mark: tag('MWI'), text: event.waiting ? 'messages waiting' : 'no messages waiting' };
    case 'listener.opened':
      return {
        mark: tag('NET'),
        text: `listens on ${event.transport} ${hostPort(event.address, event.port)}`,
        style: 'dim',
      };
    case 'connection.secured': {
      const name = event.verified === undefined ? '' : `, verified for ${event.verified}`;
      return {
        mark: tag('TLS'),
        text: `${event.remote} ${event.protocol} ${event.cipher}${name}`,
        style: 'dim',
      };
    }
    case 'address.discovered':
      return {
        mark: tag('NET'),
        text: `${event.scope} address ${event.address} by ${event.learnedBy}`,
        style: 'dim',
      };
    case 'session.started':
      return { mark: tag('RUN'), text: `ringback ${event.version} started`, style: 'dim' };
    case 'session.stopped':
      return { mark: tag('RUN'), text: `stopped: ${event.reason}` };
    default:
      return { mark: tag('EVT'), text: event.type, style: 'dim' };
  }
}

function remoteOf({
  remoteAddress,
  remotePort,
}: {
  remoteAddress?: string | undefined;
  remotePort?: number | undefined;
}): string {
  return remoteAddress === undefined || remotePort === undefined
    ? 'no address yet'
    : hostPort(remoteAddress, remotePort);
}

/** IPv6 in brackets. */
function hostPort(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
