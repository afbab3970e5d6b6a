/** tshark on the loopback interface: what really was on the wire, in the words of a third party. */
import { join } from 'node:path';
import { check, type Lab, output, type Peer, sleep, until } from './lab.ts';

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

/** Captures what goes over loopback and fits the filter; those ports are taken for SIP. */
export async function startCapture(
  lab: Lab,
  filter: string,
  sipPorts: readonly number[],
  name = 'capture',
): Promise<Capture> {
  const file = join(lab.dir, `${name}.pcap`);
  const peer: Peer = lab.spawn(`dumpcap-${name}`, ['dumpcap', '-q', '-i', 'lo', '-f', filter, '-w', file]);
  await until('dumpcap to capture', () => /Capturing on|File:/.test(peer.output()), 10_000);
  await sleep(300);
  const decode = sipPorts.flatMap((port) => ['-d', `udp.port==${port},sip`, '-d', `tcp.port==${port},sip`]);
  return {
    file,
    async stop() {
      await sleep(300);
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
