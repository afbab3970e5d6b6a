/**
 * A caller with symmetric RTP (RFC 4961), as a provider's media relay is one: it sends audio to where audio comes from,
 * whatever the answer's SDP says. Its own SIP text, and its own program, because it runs in another network namespace.
 *
 *   bun interop/symmetric-caller.ts <own address> <proxy's port there> <user>      prints one line of JSON, exits 0
 */
import { createSocket } from 'node:dgram';

/** What is printed. */
export interface SymmetricReport {
  /** Of the final response; 0: none came in 8 s. */
  readonly status: number;
  /** Where the first packet of the echo came from. */
  readonly source: string;
  readonly sent: number;
  /** Packets that came back with the payload that only they have. */
  readonly echoed: number;
  readonly ended: boolean;
}

const [address = '', port = '', user = ''] = process.argv.slice(2);
const PACKETS = 100;
const MARK = 0x52424e41;
const sip = createSocket('udp4');
const rtp = createSocket('udp4');
const messages: string[] = [];
const echoed = new Set<number>();
let source: { address: string; port: number } | undefined;
sip.on('message', (bytes) => messages.push(bytes.toString('latin1')));
rtp.on('message', (bytes, from) => {
  source ??= { address: from.address, port: from.port };
  if (bytes.length >= 20 && bytes.readUInt32BE(12) === MARK) echoed.add(bytes.readUInt32BE(16));
});
for (const socket of [sip, rtp]) await new Promise<void>((bound) => socket.bind(0, address, bound));

const here = `${address}:${sip.address().port}`;
const target = `sip:${user}@${address}:${port}`;

function request(method: string, cseq: string, uri: string, to: string, more: string[], body = ''): string {
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${here};rport;branch=z9hG4bK-${method}-${process.pid}`,
    ...['Max-Forwards: 70', `From: <sip:caller@${here}>;tag=c${process.pid}`, `To: <${target}>${to}`],
    ...[`Call-ID: symmetric-${process.pid}@${address}`, `CSeq: ${cseq}`, `Contact: <sip:caller@${here}>`],
    ...more,
    `Content-Length: ${body.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Sends, once more every half second, until the final response; undefined after 8 s. */
async function ask(text: string, cseq: string): Promise<string | undefined> {
  for (let round = 0; round < 16; round++) {
    sip.send(text, Number(port), address);
    for (let look = 0; look < 25; look++) {
      const final = messages.find((one) => /^SIP\/2.0 [2-6]/.test(one) && one.includes(`CSeq: ${cseq}`));
      if (final !== undefined) return final;
      await Bun.sleep(20);
    }
  }
  return undefined;
}

function packet(index: number): Buffer {
  const bytes = Buffer.alloc(172, 0x55);
  bytes[0] = 0x80;
  bytes[1] = 0;
  bytes.writeUInt16BE(index + 1, 2);
  bytes.writeUInt32BE(index * 160, 4);
  bytes.writeUInt32BE(process.pid, 8);
  bytes.writeUInt32BE(MARK, 12);
  bytes.writeUInt32BE(index, 16);
  return bytes;
}

const session = [
  ...['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0'],
  ...[`m=audio ${rtp.address().port} RTP/AVP 0`, ''],
].join('\r\n');
const answer = await ask(
  request('INVITE', '1 INVITE', target, '', ['Content-Type: application/sdp'], session),
  '1 INVITE',
);
const status = Number(/^SIP\/2.0 (\d+)/.exec(answer ?? '')?.[1] ?? 0);
let sent = 0;
let ended = false;
if (answer !== undefined && status === 200) {
  const tag = /^To:.*(;tag=[^\r;]+)/m.exec(answer)?.[1] ?? '';
  const contact = /^Contact: <([^>]+)>/m.exec(answer)?.[1] ?? '';
  const routes = [...answer.matchAll(/^Record-Route: ([^\r]+)/gm)]
    .map(([, route]) => `Route: ${route}`)
    .reverse();
  sip.send(request('ACK', '1 ACK', contact, tag, routes), Number(port), address);
  for (let index = 0; index < PACKETS; index++) {
    // Nobody has spoken yet: there is nowhere to send to.
    if (source !== undefined) {
      rtp.send(packet(index), source.port, source.address);
      sent += 1;
    }
    await Bun.sleep(20);
  }
  await Bun.sleep(200);
  const gone = await ask(request('BYE', '2 BYE', contact, tag, routes), '2 BYE');
  ended = gone?.startsWith('SIP/2.0 200') === true;
}
const from = source === undefined ? '' : `${source.address}:${source.port}`;
console.log(
  JSON.stringify({ status, source: from, sent, echoed: echoed.size, ended } satisfies SymmetricReport),
);
process.exit(0);
