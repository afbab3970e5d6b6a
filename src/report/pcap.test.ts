/** A capture of ours, read by the reader of `ringback replay`. */
import { expect, test } from 'bun:test';
import type { Event } from '../events.ts';
import { capturedMessages } from '../io/pcap/captured-messages.ts';
import { pcapOf } from './pcap.ts';

function message(type: 'sip.sent' | 'sip.received', remote: string, atMs: number, raw: string): Event {
  const [startLine = ''] = raw.split('\r\n');
  return { v: 1, seq: 1, atMs, type, transport: 'udp', remote, startLine, bytes: raw.length, raw };
}

const OPTIONS = 'OPTIONS sip:a@b SIP/2.0\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n';
const OK = 'SIP/2.0 200 OK\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n';

for (const [family, us, peer] of [
  ['IPv4', '192.0.2.10', '192.0.2.20:5062'],
  ['IPv6', '2001:db8::10', '[2001:db8:1::2:20]:5062'],
] as const) {
  test(`what was sent and received stands in the capture with its addresses and times, ${family}`, () => {
    const events = [
      message('sip.received', peer, 1_000, OPTIONS),
      message('sip.sent', peer, 1_004.5, OK),
      { v: 1, seq: 3, atMs: 2, type: 'timer.fired', name: 'J' } satisfies Event,
    ];
    const file = pcapOf(events, { address: us, port: 5060 }, 1_700_000_000_000);
    const read = capturedMessages(file);
    const [host = '', port] = peer.replace(/:(\d+)$/, ' $1').split(' ');
    const them = { address: host.replace(/[[\]]/g, ''), port: Number(port) };
    const own = { address: us, port: 5060 };
    expect(read?.faults).toEqual([]);
    expect(read?.messages.map(({ source, destination, atMs }) => ({ source, destination, atMs }))).toEqual([
      { source: them, destination: own, atMs: 0 },
      { source: own, destination: them, atMs: 4.5 },
    ]);
    expect(read?.messages.map(({ bytes }) => Buffer.from(bytes).toString('latin1'))).toEqual([OPTIONS, OK]);
  });
}
