/**
 * The torture messages of fixtures/torture at a real ringback, from a program that shares no code with it: each is
 * sent over UDP, its verdict is read from the wire, and OPTIONS has to be answered after every one.
 *
 * `bun interop/torture.ts <ringback…>` starts that ringback itself. It is meant for the network of a scenario
 * (scenarios/torture.ts), as the messages name addresses that are somebody's, and binds the ports that their Via name.
 */
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { TORTURE_CASES, type TortureCase } from '../fixtures/torture/cases.ts';

const HOST = '127.0.0.1';
const TARGET = 5_080;
/** 5060, and the ports of the Via of mpart01, mult-ip-in-header and ipv4-mapped-ipv6. */
const PORTS = [5_060, 5_070, 6_050, 19_823];

const received: string[] = [];
const sockets = await Promise.all(PORTS.map(open));
const [main] = sockets as [Socket];
const child = Bun.spawn(
  [
    ...process.argv.slice(2),
    'echo',
    '--json',
    '--bind',
    HOST,
    '--sip-port',
    `${TARGET}`,
    '--rtp-ports',
    '40000-40199',
  ],
  { stdin: 'pipe', stdout: 'ignore', stderr: 'inherit' },
);
let wrong = 0;
await untilAlive(100);
for (const each of TORTURE_CASES) {
  const verdict = await judge(each);
  if (verdict !== undefined) wrong += 1;
  console.log(`${verdict === undefined ? 'pass' : 'FAIL'} ${each.name} (${each.section})${verdict ?? ''}`);
}
// On a stream a length that lies breaks the stream and nothing else.
for (const { name } of TORTURE_CASES) {
  await overTcp(bytesOf(name));
  await untilAlive(20);
}
child.kill('SIGTERM');
const code = await Promise.race([child.exited, Bun.sleep(8_000).then(() => 'none after 8 s')]);
if (code !== 0) console.log(`FAIL exit code ${code}`);
console.log(`${TORTURE_CASES.length - wrong} right, ${wrong} wrong, exit code ${code}`);
process.exit(wrong === 0 && code === 0 ? 0 : 1);

/** What is wrong, or undefined. */
async function judge(each: TortureCase): Promise<string | undefined> {
  const bytes = bytesOf(each.name);
  const callId = callIdOf(bytes.toString('latin1'));
  const from = received.length;
  send(bytes);
  const mine = () => received.slice(from).filter((text) => finalOf(text) > 0 && callIdOf(text) === callId);
  await untilAlive(20);
  if (each.status > 0) await until(() => mine().length > 0, 2_000);
  const answers = mine();
  for (const answer of new Set(answers)) await finish(answer);
  const statuses = [...new Set(answers.map(finalOf))];
  const right = statuses.join() === (each.status === 0 ? '' : String(each.status));
  const stray = received.slice(from).find((text) => text.includes('dblreq.second'));
  if (stray !== undefined) return ': what follows the end of a datagram was answered';
  return right ? undefined : `: ${statuses.join(' ') || 'no answer'}, due is ${each.status || 'none'}`;
}

/** The ACK of an INVITE's final response; a call that stands is hung up as well. */
async function finish(answer: string): Promise<void> {
  const cseq = headerOf(answer, 'CSeq');
  if (!cseq.endsWith(' INVITE')) return;
  const number = Number.parseInt(cseq, 10);
  const accepted = finalOf(answer) < 300;
  send(Buffer.from(request('ACK', answer, number, accepted), 'latin1'));
  if (!accepted) return;
  const from = received.length;
  send(Buffer.from(request('BYE', answer, number + 1, true), 'latin1'));
  const hungUp = await until(
    () => received.slice(from).some((text) => isOk(text, `${number + 1} BYE`)),
    2_000,
  );
  if (!hungUp) console.log(`FAIL no 200 to BYE of ${callIdOf(answer)}`);
  if (!hungUp) wrong += 1;
}

function request(method: string, answer: string, number: number, fresh: boolean): string {
  const copied = (name: string) => `${name}: ${headerOf(answer, name)}`;
  return [
    `${method} sip:${HOST}:${TARGET} SIP/2.0`,
    fresh ? `Via: SIP/2.0/UDP ${HOST};branch=z9hG4bK-${method}-${received.length}` : copied('Via'),
    copied('From'),
    copied('To'),
    copied('Call-ID'),
    `CSeq: ${number} ${method}`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** OPTIONS is answered: it lives. Tries as often as that, five times a second. */
async function untilAlive(tries: number): Promise<void> {
  for (let turn = 0; turn < tries; turn++) {
    const id = `alive-${received.length}-${turn}-${Math.random()}`;
    const head = `OPTIONS sip:${HOST} SIP/2.0\r\nVia: SIP/2.0/UDP ${HOST};branch=z9hG4bK${id}\r\n`;
    const ids = `From: <sip:raw@${HOST}>;tag=1\r\nTo: <sip:${HOST}>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\n`;
    send(Buffer.from(`${head}${ids}Content-Length: 0\r\n\r\n`, 'latin1'));
    if (await until(() => received.some((text) => callIdOf(text) === id && finalOf(text) === 200), 200))
      return;
    if (child.exitCode !== null) break;
  }
  console.log(`FAIL ringback does not answer OPTIONS (exit code ${child.exitCode})`);
  process.exit(1);
}

async function overTcp(bytes: Buffer): Promise<void> {
  const stream = connect(TARGET, HOST);
  await new Promise<void>((resolve) => {
    stream.on('error', () => resolve());
    stream.on('close', () => resolve());
    stream.on('data', () => stream.end());
    stream.write(bytes);
    setTimeout(() => stream.destroy(), 100);
  });
}

async function open(port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes) => received.push(bytes.toString('latin1')));
  await new Promise<void>((resolve) => socket.bind(port, HOST, resolve));
  return socket;
}

function send(bytes: Buffer): void {
  main.send(bytes, TARGET, HOST);
}

async function until(claim: () => boolean, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (!claim()) {
    if (performance.now() > end) return false;
    await Bun.sleep(5);
  }
  return true;
}

function bytesOf(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/torture/${name}.dat`, import.meta.url));
}

/** The status of a final response, 0 of anything else. */
function finalOf(text: string): number {
  const status = Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1] ?? 0);
  return status >= 200 ? status : 0;
}

function isOk(text: string, cseq: string): boolean {
  return finalOf(text) === 200 && headerOf(text, 'CSeq') === cseq;
}

function callIdOf(text: string): string {
  return /^(?:call-id|i)[ \t]*:[ \t]*(.*?)[ \t]*$/im.exec(text)?.[1] ?? '';
}

function headerOf(text: string, name: string): string {
  return new RegExp(`^${name}[ \\t]*:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(text)?.[1] ?? '';
}
