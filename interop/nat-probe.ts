/**
 * How a NAT behaves, asked of coturn outside (RFC 5780 §4.3, §4.4), so that a scenario does not trust a NAT that is
 * another than it thinks. Its own STUN, because the one in src is under test; its own program, because it runs in
 * another network namespace.
 *
 *   bun interop/nat-probe.ts <own address> <first of three ports> <server> <its other address>      one line of JSON
 *
 * Three ports, as what one has sent to would let answers in to the next question.
 */
import { createSocket, type Socket } from 'node:dgram';

/** What is printed: what the mapping, and who may come in, depends on. */
export interface NatBehaviour {
  readonly mapping: 'nothing' | 'the peer';
  readonly filtering: 'nothing' | 'address' | 'address and port';
  /** Where the server sees the first port. */
  readonly mapped: string;
}

const PORT = 3478;
const MAGIC = 0x2112a442;
const XOR_MAPPED_ADDRESS = 0x0020;
const CHANGE_REQUEST = 0x0003;
const CHANGE_ADDRESS = 4;
const CHANGE_PORT = 2;
/** What did not come by then is not let in. */
const PATIENCE_MS = 300;

const [own = '', first = '', server = '', other = ''] = process.argv.slice(2);

/** One question, and one more every so often until it is answered: where the server sees us; undefined: no answer. */
async function ask(
  socket: Socket,
  to: string,
  port: number,
  change: number,
  times: number,
): Promise<string | undefined> {
  const question = Buffer.alloc(28);
  question.writeUInt16BE(1, 0);
  question.writeUInt16BE(8, 2);
  question.writeUInt32BE(MAGIC, 4);
  crypto.getRandomValues(question.subarray(8, 20));
  question.writeUInt16BE(CHANGE_REQUEST, 20);
  question.writeUInt16BE(4, 22);
  question.writeUInt32BE(change, 24);
  return new Promise((resolve) => {
    const send = () => {
      if (times-- <= 0) done(undefined);
      else socket.send(question, port, to);
    };
    const timer = setInterval(send, PATIENCE_MS);
    const hear = (answer: Buffer) => {
      if (answer.subarray(8, 20).equals(question.subarray(8, 20))) done(mappedOf(answer));
    };
    const done = (mapped: string | undefined) => {
      clearInterval(timer);
      socket.off('message', hear);
      resolve(mapped);
    };
    socket.on('message', hear);
    send();
  });
}

function mappedOf(answer: Buffer): string {
  for (let at = 20; at + 4 <= answer.length; at += 4 + ((answer.readUInt16BE(at + 2) + 3) & ~3)) {
    if (answer.readUInt16BE(at) !== XOR_MAPPED_ADDRESS) continue;
    const address = (answer.readUInt32BE(at + 8) ^ MAGIC) >>> 0;
    const bytes = [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff);
    return `${bytes.join('.')}:${answer.readUInt16BE(at + 6) ^ (MAGIC >>> 16)}`;
  }
  return 'nowhere';
}

const sockets = await Promise.all(
  [0, 1, 2].map(async (index) => {
    const socket = createSocket('udp4');
    socket.on('error', () => {});
    await new Promise<void>((bound) => socket.bind(Number(first) + index, own, bound));
    return socket;
  }),
);
const [one, two, three] = sockets as [Socket, Socket, Socket];
// The server may just be starting.
const mapped = await ask(one, server, PORT, 0, 20);
const [there, fromElsewhere, fromOtherPort] = await Promise.all([
  ask(one, other, PORT, 0, 2),
  ask(two, server, PORT, CHANGE_ADDRESS | CHANGE_PORT, 1),
  ask(three, server, PORT, CHANGE_PORT, 1),
]);
const filtering =
  fromElsewhere !== undefined ? 'nothing' : fromOtherPort !== undefined ? 'address' : 'address and port';
const behaviour: NatBehaviour = {
  mapping: mapped === there ? 'nothing' : 'the peer',
  filtering,
  mapped: mapped ?? 'no answer from the server',
};
console.log(JSON.stringify(behaviour));
process.exit(0);
