/**
 * A NAT that forgets its mappings in mid-call and makes others: the audio goes on in both directions within two seconds
 * (RFC 4961, RFC 6263), and a BYE from either side arrives.
 */
import type { Caller } from '../caller.ts';
import { check, type Lab, until } from '../lab.ts';
import type { NatKind } from '../nat-network.ts';
import {
  callIn,
  callOut,
  echoOutside,
  type NatScene,
  natNeeds as needs,
  openNatScene,
} from '../nat-scene.ts';
import type { Ringback } from '../ringback.ts';
import type { Scenario } from '../scenario.ts';

/** A second until the silence is one, and as much until the packets that tell where we are have done so. */
const HEALED_MS = 2_000;

/** Rebinds the NAT while both sides hear each other, and waits until they do so again. */
async function rebind(
  { home }: NatScene,
  what: string,
  sides: readonly (Ringback | Caller)[],
): Promise<void> {
  const heard = (side: Ringback | Caller) => side.all('media.sampled').at(-1)?.packetsReceived ?? 0;
  await until('audio both ways before', () => sides.every((side) => heard(side) >= 50), 8_000);
  await home.rebind();
  const before = sides.map(heard);
  // What was under way, a second of new audio, and half of one until it is said.
  const flows = () => sides.every((side, index) => heard(side) >= (before[index] as number) + 60);
  await until(`audio both ways after ${what}`, flows, HEALED_MS + 1_500);
}

/** Called from outside; the caller, outside, hangs up. */
async function called(lab: Lab, kinds: readonly NatKind[], transport: 'udp' | 'tcp' = 'udp'): Promise<void> {
  const args = ['--keepalive', '1'];
  const scene = await openNatScene(lab, kinds, { transport, args });
  const caller = callIn(scene, 7);
  await rebind(scene, 'rebinding', [scene.echo, caller]);
  await caller.ends(0, 20_000);
  const ended = await scene.echo.wait('call.changed', ({ to }) => to === 'terminated');
  check(/BYE|hung up/.test(ended.reason ?? ''), `the call at home ended so: ${ended.reason}`);
  const { lost } = await scene.echo.wait('media.stopped');
  check(lost <= HEALED_MS / 20, `${lost} packets of 20 ms were lost`);
  await scene.echo.stop();
}

/** Calling from home; the caller, at home, hangs up. */
async function calling(lab: Lab, kinds: readonly NatKind[]): Promise<void> {
  const scene = await openNatScene(lab, kinds);
  const outside = await echoOutside(scene);
  const caller = callOut(scene, 'udp', ['--duration', '6']);
  await rebind(scene, 'rebinding', [outside, caller]);
  await caller.ends(0, 20_000);
  const ended = await outside.wait('call.changed', ({ to }) => to === 'terminated');
  check(/BYE|hung up/.test(ended.reason ?? ''), `the call outside ended so: ${ended.reason}`);
  await outside.stop();
  await scene.echo.stop();
}

/** Calling from home without a registration; the answers to OPTIONS show the new mapping, and the BYE from outside comes. */
async function hungUpOutside(lab: Lab, kinds: readonly NatKind[]): Promise<void> {
  const scene = await openNatScene(lab, kinds);
  const outside = await echoOutside(scene);
  const caller = callOut(scene, 'udp', ['--keepalive', '1']);
  await rebind(scene, 'rebinding', [outside, caller]);
  const told = await outside.wait('sip.received', ({ cseq }) => cseq === '2 INVITE', 4_000);
  outside.say(`hangup ${told.call}`);
  await caller.ends(0, 5_000);
  await outside.stop();
  await scene.echo.stop();
}

export const natRebindingScenarios: readonly Scenario[] = [
  {
    name: 'rebinding of an address-restricted NAT in a call: called',
    needs,
    run: (lab) => called(lab, ['address restricted']),
  },
  {
    name: 'rebinding of a symmetric NAT in a call: called',
    needs,
    run: (lab) => called(lab, ['symmetric']),
  },
  {
    name: 'rebinding of a symmetric NAT in a call: called over TCP',
    needs,
    run: (lab) => called(lab, ['symmetric'], 'tcp'),
  },
  {
    name: 'rebinding of a carrier NAT in a call: calling',
    needs,
    run: (lab) => calling(lab, ['port restricted', 'symmetric']),
  },
  {
    name: 'rebinding of a symmetric NAT in a call without a registration: hung up outside',
    needs,
    run: (lab) => hungUpOutside(lab, ['symmetric']),
  },
];
