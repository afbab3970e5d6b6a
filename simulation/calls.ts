/**
 * The calls of a deployment, drawn from its seed: to whom, with what options, what either side does while they stand,
 * and who hangs up when.
 */
import type { VirtualEndpoint } from '../src/io/virtual.ts';
import { ECHO_ADDRESS } from '../src/io/virtual-scene.ts';
import type { Action } from '../src/sip/endpoint-io.ts';
import { formatAddress } from '../src/sip/flow.ts';
import { type Deployment, NOBODY_ADDRESS, PHONES, phoneUser, SILENT_ADDRESS } from './deployment.ts';
import type { Script } from './script.ts';

type Call = Extract<Action, { type: 'call' }>;

/** Plans so many calls; when the last of them is placed. */
export function planCalls(script: Script, calls: number): number {
  const { chance, callers, pace } = script.deployment;
  let lastMs = 0;
  callers.forEach((caller, index) => {
    let atMs = 3_000;
    for (let count = index; count < calls; count += callers.length) {
      atMs += chance.between(100, 12_000 * pace);
      planCall(script, caller, index, atMs);
    }
    lastMs = Math.max(lastMs, atMs);
  });
  return lastMs;
}

/** One call, what either side does in it, and its end by either side at any moment. */
function planCall(script: Script, caller: VirtualEndpoint, index: number, atMs: number): void {
  const { deployment } = script;
  const { chance, watcher } = deployment;
  const call = { ...callOptions(deployment, caller), to: destination(deployment, index) };
  const hangUpMs = chance.between(0, chance.one([1_500, 8_000, 20_000 * deployment.pace]));
  const byCaller = chance.percent(65);
  const byEcho = !byCaller || chance.percent(15);
  const skewMs = chance.percent(50) ? 0 : chance.between(0, 300);
  const whims = Array.from({ length: chance.one([0, 0, 1, 4]) }, () => whim(deployment, hangUpMs));
  if (chance.percent(10)) script.at(atMs, () => ping(script, caller, call.to));
  script.at(atMs, () => {
    if (caller.off === 'asleep') return;
    script.act(caller, call);
    script.placed += 1;
    const placed = watcher.of(caller).newest;
    if (placed === undefined) return;
    /** Whatever one side asks for in that call. */
    const ask = (side: 'caller' | 'echo', inMs: number, action: (handle: string) => Action) => {
      script.later(inMs, () => {
        const node = side === 'caller' ? caller : deployment.echo;
        const known = watcher.of(node).callOf.get(placed.callId);
        if (known !== undefined) script.act(node, action(known.handle));
      });
    };
    for (const { side, inMs, action } of whims) {
      if (side !== 'echo') ask('caller', inMs, action);
      if (side !== 'caller') ask('echo', inMs, action);
    }
    const hangUp = (handle: string): Action => ({ type: 'hangup', call: handle });
    if (byCaller) ask('caller', hangUpMs, hangUp);
    if (byEcho) ask('echo', hangUpMs + skewMs, hangUp);
  });
}

function ping(script: Script, caller: VirtualEndpoint, to: string): void {
  if (caller.off === 'asleep') return;
  script.deployment.watcher.of(caller).pingsAsked += 1;
  script.act(caller, { type: 'ping', to });
}

/** Something that a side does while a call stands, or does not stand yet, or any more. Both at once is glare. */
function whim({ chance }: Deployment, withinMs: number) {
  const side = chance.one(['caller', 'echo', 'both'] as const);
  const type = chance.one(['hold', 'hold', 'resume', 'resume', 'dtmf'] as const);
  const action = (call: string): Action => (type === 'dtmf' ? { type, call, digits: '1,#' } : { type, call });
  return { side, inMs: chance.between(0, withinMs), action };
}

/** With audio of the caller's own or with the media thread's, and now and then with one of the other options. */
function callOptions({ chance }: Deployment, { local }: VirtualEndpoint): Omit<Call, 'to'> {
  const audio = { audio: { address: local.address, port: 40_000 } };
  const options: Omit<Call, 'to' | 'type'>[] = [
    audio,
    {},
    {},
    { play: { type: 'tone' }, dtmf: '12' },
    { lateOffer: true },
    { durationMs: chance.between(500, 15_000) },
    { ringTimeoutMs: chance.between(100, 5_000) },
    { headers: [['X-Foo', 'bar']] },
  ];
  return { type: 'call', ...chance.one(options) };
}

/** Mostly the echo; sometimes a phone, a user that is not there, an address that is silent. */
function destination({ chance }: Deployment, index: number): string {
  if (index < PHONES) {
    if (chance.percent(80)) return 'sip:echo@lab.local';
    return `sip:${chance.one(['nobody', '103', phoneUser(chance.between(0, PHONES - 1))])}@lab.local`;
  }
  const suffix = chance.one(['', ';transport=tcp']);
  const address = chance.percent(85) ? ECHO_ADDRESS : chance.one([SILENT_ADDRESS, NOBODY_ADDRESS]);
  return `sip:echo@${formatAddress(address)}${suffix}`;
}
