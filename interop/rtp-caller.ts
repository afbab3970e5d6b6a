/**
 * A caller that proves an echo: N calls at once, each with RTP packets that only it can have sent, and a count of
 * what came back to whom. Its own program, so that its work adds no delay to the scenarios' timers, and its own
 * SIP text, so that it shares no mistake with src/.
 *
 *   bun interop/rtp-caller.ts <port> <udp|tcp> <calls> <seconds>      prints one line of JSON, exits 0
 *
 * Every 25th sequence number is skipped: a gap that the echo has to keep (RFC 3550 §6.4.1 counts loss by it).
 */
import { tmpdir } from 'node:os';
import type { udp } from 'bun';
import { openLab } from './lab.ts';
import {
  headerOf,
  offerText,
  openRawPeer,
  type RawPeer,
  requestText,
  responseText,
  statusOf,
  toTagOf,
} from './raw-peer.ts';

/** What is printed. */
export interface CallerReport {
  readonly calls: number;
  readonly answered: number;
  readonly ended: number;
  readonly sent: number;
  /** Packets that came back to the call that had sent them, payload unchanged. */
  readonly echoed: number;
  /** Calls of which every packet came back. */
  readonly whole: number;
  readonly duplicates: number;
  /** Packets of another call: none may be. */
  readonly foreign: number;
  /** Marked as ours but changed in payload, payload type, or the distance of sequence or timestamp. */
  readonly altered: number;
  /** Packets that carry our own SSRC: a loop to the sender, RFC 3550 §8.2. */
  readonly ownSsrc: number;
  /** Packets that are no echo: the one that opens a NAT. */
  readonly unmarked: number;
  /** Between sending a packet and having it back, in ms. */
  readonly turnaroundP50Ms: number;
  readonly turnaroundP99Ms: number;
  /** The first thing that went wrong in signalling. */
  readonly trouble?: string;
}

const HEADER = 12;
const MARK = 0x52424b31;

interface Call {
  readonly number: number;
  readonly callId: string;
  readonly socket: udp.Socket<'buffer'>;
  readonly ssrc: number;
  readonly firstSequence: number;
  readonly firstTimestamp: number;
  readonly sentAt: number[];
  readonly back: Set<number>;
  remote?: { readonly port: number; readonly address: string };
  toTag: string;
  distance?: { readonly sequence: number; readonly timestamp: number };
  ended: boolean;
}

const counts = { sent: 0, echoed: 0, duplicates: 0, foreign: 0, altered: 0, ownSsrc: 0, unmarked: 0 };
const turnarounds: number[] = [];
let trouble: string | undefined;

function packetOf(call: Call, index: number): Buffer {
  const packet = Buffer.alloc(HEADER + 160, 0xd5);
  // One number in 25 is never sent.
  const sequence = index + Math.floor(index / 24);
  packet[0] = 0x80;
  packet[1] = index === 0 ? 0x80 : 0;
  packet.writeUInt16BE((call.firstSequence + sequence) & 0xffff, 2);
  packet.writeUInt32BE((call.firstTimestamp + sequence * 160) >>> 0, 4);
  packet.writeUInt32BE(call.ssrc, 8);
  packet.writeUInt32BE(MARK, HEADER);
  packet.writeUInt32BE(call.number, HEADER + 4);
  packet.writeUInt32BE(index, HEADER + 8);
  for (let at = HEADER + 12; at < packet.length; at++)
    packet[at] = (call.number * 31 + index * 7 + at) & 0xff;
  return packet;
}

function onPacket(call: Call, data: Buffer): void {
  if (data.length < HEADER + 12 || data.readUInt32BE(HEADER) !== MARK) {
    counts.unmarked++;
    return;
  }
  if (data.readUInt32BE(HEADER + 4) !== call.number) {
    counts.foreign++;
    return;
  }
  const index = data.readUInt32BE(HEADER + 8);
  const sent = packetOf(call, index);
  const sequence = (data.readUInt16BE(2) - sent.readUInt16BE(2)) & 0xffff;
  const timestamp = (data.readUInt32BE(4) - sent.readUInt32BE(4)) >>> 0;
  call.distance ??= { sequence, timestamp };
  const same =
    data.subarray(HEADER).equals(sent.subarray(HEADER)) &&
    data[1] === sent[1] &&
    sequence === call.distance.sequence &&
    timestamp === call.distance.timestamp;
  if (data.readUInt32BE(8) === call.ssrc) counts.ownSsrc++;
  if (!same) counts.altered++;
  else if (call.back.has(index)) counts.duplicates++;
  else {
    counts.echoed++;
    call.back.add(index);
    turnarounds.push(performance.now() - (call.sentAt[index] ?? 0));
  }
}

async function openCall(number: number): Promise<Call> {
  const socket = await Bun.udpSocket({
    hostname: '127.0.0.1',
    port: 0,
    socket: { data: (_socket, data) => onPacket(call, data), error: () => {} },
  });
  const call: Call = {
    number,
    callId: `caller-${process.pid}-${number}`,
    socket,
    ssrc: (0x10000000 + number * 7919) >>> 0,
    firstSequence: (65_500 + number * 13) & 0xffff,
    firstTimestamp: (0xfffff000 + number * 977) >>> 0,
    sentAt: [],
    back: new Set(),
    toTag: '',
    ended: false,
  };
  return call;
}

/** Sends until a final response is there (RFC 3261 §17.1 in three lines); undefined when none came in 10 s. */
async function ask(peer: RawPeer, text: string, callId: string, cseq: string): Promise<string | undefined> {
  const final = (message: string) =>
    statusOf(message) >= 200 && headerOf(message, 'Call-ID') === callId && headerOf(message, 'CSeq') === cseq;
  for (let waitMs = 500, left = 10_000; left > 0; left -= waitMs, waitMs = Math.min(waitMs * 2, 4_000)) {
    peer.send(text);
    try {
      return await peer.wait('a final response', final, peer.transport === 'udp' ? waitMs : 10_000);
    } catch {
      if (peer.transport === 'tcp') return undefined;
    }
  }
  return undefined;
}

async function invite(peer: RawPeer, call: Call, target: number): Promise<void> {
  const text = requestText(peer, 'INVITE', {
    callId: call.callId,
    target,
    body: offerText(call.socket.port),
  });
  const answer = await ask(peer, text, call.callId, '1 INVITE');
  if (answer === undefined || statusOf(answer) !== 200) {
    trouble ??= answer?.split('\r\n')[0] ?? 'no answer to INVITE';
    return;
  }
  call.toTag = toTagOf(answer);
  const port = Number(/^m=audio (\d+)/m.exec(answer)?.[1]);
  const address = /^c=IN IP4 (\S+)/m.exec(answer)?.[1] ?? '127.0.0.1';
  call.remote = { port, address };
  peer.send(
    requestText(peer, 'ACK', {
      callId: call.callId,
      target,
      toTag: call.toTag,
      branch: `z9hG4bK-ack-${call.number}`,
    }),
  );
}

async function bye(peer: RawPeer, call: Call, target: number): Promise<void> {
  const text = requestText(peer, 'BYE', { callId: call.callId, target, toTag: call.toTag, cseq: 2 });
  const answer = await ask(peer, text, call.callId, '2 BYE');
  call.ended = answer !== undefined && statusOf(answer) === 200;
  if (!call.ended) trouble ??= answer?.split('\r\n')[0] ?? 'no answer to BYE';
}

async function talk(calls: readonly Call[], packets: number): Promise<void> {
  let due = performance.now();
  for (let tick = 0; tick < packets; tick++) {
    for (const call of calls) {
      if (call.remote === undefined) continue;
      call.sentAt[tick] = performance.now();
      if (call.socket.send(packetOf(call, tick), call.remote.port, call.remote.address)) counts.sent++;
      else trouble ??= 'the kernel took no more packets';
      // Ten calls a millisecond or so, as calls that began at different times would be.
      if (call.number % 20 === 19) await Bun.sleep(1);
    }
    // What a busy machine kept back is sent late, and not all at once: no phone does that.
    due = Math.max(due + 20, performance.now());
    await Bun.sleep(due - performance.now());
  }
  const whole = () => calls.every(({ back, sentAt }) => back.size === sentAt.length);
  for (let waitedMs = 0; waitedMs < 3_000 && !whole(); waitedMs += 20) await Bun.sleep(20);
}

async function main(target: number, transport: 'udp' | 'tcp', count: number, seconds: number): Promise<void> {
  const { lab, close } = openLab(tmpdir(), []);
  const peer = await openRawPeer(lab, transport, target);
  const calls: Call[] = [];
  for (let number = 0; number < count; number++) calls.push(await openCall(number));
  const answering = setInterval(() => {
    for (const message of peer.received)
      if (message.startsWith('BYE ')) peer.send(responseText(message, '200 OK'));
  }, 1_000);
  const inviting: Promise<void>[] = [];
  for (const call of calls) {
    inviting.push(invite(peer, call, target));
    if (call.number % 10 === 9) await Bun.sleep(20);
  }
  await Promise.all(inviting);
  await talk(calls, seconds * 50);
  await Promise.all(
    calls.filter(({ remote }) => remote !== undefined).map((call) => bye(peer, call, target)),
  );
  clearInterval(answering);
  turnarounds.sort((a, b) => a - b);
  const quantile = (part: number) =>
    Number((turnarounds[Math.floor(turnarounds.length * part)] ?? 0).toFixed(3));
  const report: CallerReport = {
    calls: count,
    answered: calls.filter(({ remote }) => remote !== undefined).length,
    ended: calls.filter(({ ended }) => ended).length,
    ...counts,
    whole: calls.filter(({ back }) => back.size === seconds * 50).length,
    turnaroundP50Ms: quantile(0.5),
    turnaroundP99Ms: quantile(0.99),
    ...(trouble === undefined ? {} : { trouble }),
  };
  console.log(JSON.stringify(report));
  await close();
  process.exit(0);
}

if (import.meta.main) {
  const [target, transport, count, seconds] = process.argv.slice(2);
  await main(Number(target), transport === 'tcp' ? 'tcp' : 'udp', Number(count ?? 1), Number(seconds ?? 2));
}
