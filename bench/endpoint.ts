/**
 * What a call costs the engine alone, in one process and without a socket: `Endpoint.handle` from INVITE to BYE.
 *
 *     bun bench/endpoint.ts [TREE] [--rounds 8] [--json]
 *
 * With TREE, a checkout of another version, both run in turns and the ratio is taken pair by pair: what else the machine
 * does meets both. Each round is a process of its own, because two versions that share a heap pay for what either keeps.
 * The messages are SIPp's `uac`'s, 800 calls a second of simulated time, so that 51,200 transactions wait out their 32 s as
 * they do under load. The harness itself, about 10 µs a call, is in the figures of both.
 */
import { heapStats } from 'bun:jsc';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Event, EventBody } from '../src/events.ts';
import type { Endpoint } from '../src/sip/endpoint.ts';
import type { EndpointConfig } from '../src/sip/endpoint-config.ts';
import { median, spread } from './sipp-load.ts';

/** Events that `ringback echo -q` does not read. */
const UNREAD: readonly EventBody['type'][] = [
  'listener.opened',
  'address.discovered',
  'sip.received',
  'sip.sent',
  'transaction.changed',
  'dialog.changed',
  'timer.fired',
  'timers.changed',
  'media.sampled',
  'media.stopped',
];

const CALLS_A_ROUND = 40_000;
const WARM_UP_CALLS = 45_000;
const MS_A_CALL = 1.25;
const CALLER = { address: '127.0.0.1', port: 25_690 };

const SDP =
  'v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n' +
  'm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n';

const CONFIG: EndpointConfig = {
  seed: [1, 2, 3, 4],
  product: 'ringback/0.1.0',
  accounts: [],
  echo: true,
  maxCalls: 2_000,
  ringDelayMs: 0,
  answerDelayMs: 0,
  mediaTimeoutMs: 60_000,
  defaultAddresses: { ipv4: '127.0.0.1' },
  interfaces: [],
  unwantedEvents: new Set(UNREAD),
  rawMessages: false,
  timers: { t1Ms: 500, t2Ms: 4_000, t4Ms: 5_000 },
};

/** One tree's engine and the caller that keeps it busy. */
interface Subject {
  /** Runs that many calls; the CPU time of one, in µs. */
  run(calls: number): number;
}

async function subject(tree: string): Promise<Subject> {
  const engine: { Endpoint: typeof Endpoint } = await import(resolve(tree, 'src/sip/endpoint.ts'));
  const session: typeof import('../src/rtp/session.ts') = await import(resolve(tree, 'src/rtp/session.ts'));
  const endpoint = new engine.Endpoint(CONFIG, () => session.NOTHING_COUNTED);
  let nowMs = 0;
  let calls = 0;
  let sequence = 0;
  let sent: Uint8Array = new Uint8Array();
  let freed: number[] = [];
  const ports = new Map<number, number>();
  const events: Event[] = [];

  function feed(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    for (const output of endpoint.handle({ type: 'datagram', remote: CALLER, bytes }, nowMs)) {
      if (output.type === 'send') sent = output.bytes;
      else if (output.type === 'event') events.push({ v: 1, seq: ++sequence, atMs: nowMs, ...output.event });
      else if (output.type === 'media' && output.command.type === 'open') {
        ports.set(output.command.session.slot, output.command.session.port);
      } else if (output.type === 'media' && output.command.type === 'close') {
        freed.push(ports.get(output.command.slot) ?? 0);
      }
    }
    endpoint.deadlineMs();
    events.length = 0;
  }

  function call(): void {
    calls += 1;
    const message = (method: string, cseq: number, branch: number, toTag: string, rest: string) =>
      `${method} sip:service@127.0.0.1:25610 SIP/2.0\r\n` +
      `Via: SIP/2.0/UDP 127.0.0.1:25690;branch=z9hG4bK-4242-${calls}-${branch}\r\n` +
      `From: sipp <sip:sipp@127.0.0.1:25690>;tag=4242SIPpTag00${calls}\r\n` +
      `To: service <sip:service@127.0.0.1:25610>${toTag}\r\nCall-ID: ${calls}-4242@127.0.0.1\r\n` +
      `CSeq: ${cseq} ${method}\r\nContact: sip:sipp@127.0.0.1:25690\r\nMax-Forwards: 70\r\n` +
      `Subject: Performance Test\r\n${rest}`;
    const offer = `Content-Type: application/sdp\r\nContent-Length:   ${SDP.length}\r\n\r\n${SDP}`;
    feed(message('INVITE', 1, 0, '', offer));
    const ok = Buffer.from(sent).toString('latin1');
    const tag = /\r\nTo: [^\r]*(;tag=[^\r;]*)/.exec(ok)?.[1] ?? '';
    feed(message('ACK', 1, 5, tag, 'Content-Length: 0\r\n\r\n'));
    feed(message('BYE', 2, 7, tag, 'Content-Length: 0\r\n\r\n'));
    if (freed.length >= 4) {
      endpoint.handle({ type: 'media', report: { type: 'ports', ports: freed } }, nowMs);
      freed = [];
    }
    nowMs += MS_A_CALL;
    endpoint.handle({ type: 'time' }, nowMs);
  }

  endpoint.handle({ type: 'listening', transport: 'udp', local: { address: '127.0.0.1', port: 25_610 } }, 0);
  const reserve = Array.from({ length: 200 }, (_, index) => 10_000 + 2 * index);
  endpoint.handle({ type: 'media', report: { type: 'ports', ports: reserve } }, 0);
  return {
    run(wanted) {
      const before = process.cpuUsage();
      for (let call_ = 0; call_ < wanted; call_++) call();
      const { user, system } = process.cpuUsage(before);
      if (endpoint.alive.calls > 0) throw new Error(`${tree}: ${endpoint.alive.calls} calls did not end`);
      return (user + system) / wanted;
    },
  };
}

/**
 * What a call leaves behind for the collector, in KB: how much the heap takes when nothing is collected, in a process
 * of its own. Memory outside of the heap (bodies, large buffers) is not in it.
 */
function garbageKb(tree: string): number {
  // No collection before the heap has taken so many bytes; at most 2 ** 32.
  return inItsOwnProcess(tree, '--garbage', {
    BUN_GC_TIMER_DISABLE: '1',
    BUN_JSC_largeHeapSize: `${4_000_000_000}`,
  });
}

function inItsOwnProcess(
  tree: string,
  what: '--garbage' | '--round',
  more: Record<string, string> = {},
): number {
  const env = { ...process.env, ...more };
  const { stdout, stderr } = Bun.spawnSync([process.execPath, import.meta.path, tree, what], { env });
  if (stdout.length === 0) throw new Error(stderr.toString());
  return Number(stdout.toString());
}

async function reportRound(tree: string): Promise<void> {
  const { run } = await subject(tree);
  run(WARM_UP_CALLS);
  console.log(run(CALLS_A_ROUND));
}

async function reportGarbage(tree: string): Promise<void> {
  const { run } = await subject(tree);
  run(4_000);
  const before = heapStats().heapCapacity;
  run(8_000);
  console.log((heapStats().heapCapacity - before) / 8_000 / 1024);
}

if (import.meta.main) {
  const flag = { type: 'boolean', default: false } as const;
  const options = {
    rounds: { type: 'string', default: '8' },
    json: flag,
    garbage: flag,
    round: flag,
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.garbage || values.round) {
    await (values.garbage ? reportGarbage : reportRound)(positionals[0] ?? '.');
    process.exit();
  }
  const trees = [...positionals.slice(0, 1), resolve(import.meta.dir, '..')];
  const costs: number[][] = trees.map(() => []);
  for (let round = 0; round < Number(values.rounds); round++) {
    const order = [...trees.keys()];
    for (const which of round % 2 === 0 ? order : order.reverse()) {
      costs[which]?.push(inItsOwnProcess(trees[which] ?? '.', '--round'));
    }
  }
  const found = trees.map((tree, index) => {
    const us = costs[index] ?? [];
    return { tree, medianUs: median(us), leastUs: Math.min(...us), garbageKb: garbageKb(tree) };
  });
  const ratios = (costs[1] ?? []).map((cost, round) => cost / (costs[0]?.[round] ?? Number.NaN));
  if (values.json) console.log(JSON.stringify({ found, ratios }));
  else {
    for (const { tree, medianUs, leastUs, garbageKb: kb } of found)
      console.log(
        `${medianUs.toFixed(1)} µs a call (least ${leastUs.toFixed(1)}), ${kb.toFixed(1)} KB  ${tree}`,
      );
    if (ratios.length > 0) console.log(`after ÷ before: ${spread(ratios)}`);
  }
}
