/**
 * A phone at home that plays something before it is answered: 183 with a session description that names its private
 * address, one second of audio, then 200 (RFC 3960 §3). Its own SIP text, and its own program, because it runs in
 * another network namespace.
 *
 *   bun interop/early-callee.ts <own address> <SIP port> <RTP port>      prints one line of JSON after the BYE, exits 0
 */
import { createSocket } from 'node:dgram';

/** What is printed. */
export interface EarlyReport {
  readonly sent: number;
  /** Packets that it heard before its 200, and after. */
  readonly heardEarly: number;
  readonly heard: number;
}

const [address = '', sipPort = '', rtpPort = ''] = process.argv.slice(2);
const EARLY_PACKETS = 50;
const PACKETS = 100;
const sip = createSocket('udp4');
const rtp = createSocket('udp4');
let heard = 0;
let heardEarly = 0;
let sent = 0;
rtp.on('message', () => heard++);
for (const [socket, port] of [
  [sip, sipPort],
  [rtp, rtpPort],
] as const) {
  await new Promise<void>((bound) => socket.bind(Number(port), address, bound));
}

const session = [
  ...['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0'],
  ...[`m=audio ${rtpPort} RTP/AVP 0`, ''],
].join('\r\n');

/** A response to a request, with its Via, From, To, Call-ID and CSeq. */
function respond(request: string, status: string, port: number, host: string, body = ''): void {
  const kept = request.split('\r\n').filter((line) => /^(Via|From|Call-ID|CSeq|Record-Route):/i.test(line));
  const to = /^To:.*$/im.exec(request)?.[0] ?? '';
  const type = body === '' ? [] : ['Content-Type: application/sdp'];
  const lines = [
    ...[`SIP/2.0 ${status}`, ...kept, to.includes('tag=') ? to : `${to};tag=early`],
    ...[`Contact: <sip:phone@${address}:${sipPort}>`, ...type, `Content-Length: ${body.length}`],
  ];
  sip.send(`${lines.join('\r\n')}\r\n\r\n${body}`, port, host);
}

async function play(packets: number, port: number, host: string): Promise<void> {
  const began = performance.now();
  for (let index = 0; index < packets; index++) {
    const bytes = Buffer.alloc(172, 0x55);
    bytes.writeUInt16BE(0x8000, 0);
    bytes.writeUInt16BE(++sent, 2);
    bytes.writeUInt32BE(sent * 160, 4);
    bytes.writeUInt32BE(process.pid, 8);
    rtp.send(bytes, port, host);
    // By the clock: a sleep that took longer is made up for.
    await Bun.sleep(Math.max(0, began + (index + 1) * 20 - performance.now()));
  }
}

let answered = false;
sip.on('message', async (bytes, from) => {
  const text = bytes.toString('latin1');
  if (text.startsWith('BYE ')) {
    respond(text, '200 OK', from.port, from.address);
    console.log(JSON.stringify({ sent, heardEarly, heard } satisfies EarlyReport));
    setTimeout(() => process.exit(0), 100);
  }
  if (!text.startsWith('INVITE ') || answered) return;
  answered = true;
  const host = /^c=IN IP4 (\S+)/m.exec(text)?.[1] ?? '';
  const port = Number(/^m=audio (\d+)/m.exec(text)?.[1]);
  respond(text, '183 Session Progress', from.port, from.address, session);
  await play(EARLY_PACKETS, port, host);
  heardEarly = heard;
  respond(text, '200 OK', from.port, from.address, session);
  await play(PACKETS, port, host);
});
console.log('ready');
