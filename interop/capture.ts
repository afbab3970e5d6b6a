/** tshark on the loopback interface: what really was on the wire, in the words of a third party. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, type Lab, LOOPBACK, output, type Peer, until } from './lab.ts';

/** A running or finished capture. */
export interface Capture {
  readonly file: string;
  /** Ends it, with everything written. */
  stop(): Promise<void>;
  /** One line a packet that the display filter lets through, tab between the fields. */
  fields(filter: string, ...names: string[]): Promise<string[][]>;
  /** What tshark's expert info says at error level, a line each. */
  errors(): Promise<string[]>;
}

/** Nobody listens there (RFC 863); what goes there is captured beside what fits the filter. */
const MARK_PORT = 9;

/** Captures what goes over loopback and fits the filter; those ports are taken for SIP. */
export async function startCapture(
  lab: Lab,
  filter: string,
  sipPorts: readonly number[],
  name = 'capture',
): Promise<Capture> {
  const file = join(lab.dir, `${name}.pcap`);
  const all = filter === '' ? '' : `(${filter}) or udp dst port ${MARK_PORT}`;
  const peer: Peer = lab.spawn(`dumpcap-${name}`, ['dumpcap', '-q', '-i', 'lo', '-f', all, '-w', file]);
  await until('dumpcap to capture', () => marked(file, 'it has begun'), 10_000);
  const decode = sipPorts.flatMap((port) => ['-d', `udp.port==${port},sip`, '-d', `tcp.port==${port},sip`]);
  return {
    file,
    async stop() {
      // Packets are written in the order in which they went: with this one, all before it are in the file.
      await until('dumpcap to have written everything', () => marked(file, 'it is over'), 10_000);
      peer.kill('SIGINT');
      await peer.exited;
    },
    async fields(display, ...names) {
      const out = await output([
        ...['tshark', '-r', file, ...decode, '-Y', display, '-T', 'fields'],
        ...names.flatMap((field) => ['-e', field]),
      ]);
      return out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split('\t'));
    },
    async errors() {
      const out = await output(['tshark', '-r', file, ...decode, '-q', '-z', 'expert,error']);
      check(!out.includes('Malformed'), `tshark finds something malformed:\n${out}`);
      return out.split('\n').filter((line) => /^\s+\d+\s/.test(line));
    },
  };
}

/** Sends a datagram with that text; whether one has been captured by now. */
async function marked(file: string, text: string): Promise<boolean> {
  const socket = await Bun.udpSocket({ hostname: LOOPBACK });
  socket.send(text, MARK_PORT, LOOPBACK);
  socket.close();
  return existsSync(file) && readFileSync(file, 'latin1').includes(text);
}
