/**
 * What befalls a deployment: weather, cables, sleep, restarts. Every one is drawn from its seed before it starts, but
 * for whom it hits.
 */
import type { VirtualEndpoint } from '../src/io/virtual.ts';
import { leftAt, unendedAt } from './rest.ts';
import type { Script } from './script.ts';

/** A clean stop takes 5 s at most; in ms. */
const STOPPED_MS = 6_000;
/** Until a machine has seen that its link is gone, or back; in ms. */
const NOTICED_MS = 1_500;

/** Over that time. How rough it gets is the seed's to say. */
export function planFaults(script: Script, lastMs: number): void {
  const { deployment } = script;
  const { chance, network, callers, pace } = deployment;
  const somebody = () => chance.one([deployment.echo, deployment.echo, deployment.registrar, ...callers]);
  const often = (everyMs: number, what: () => void) => {
    for (let atMs = chance.between(0, everyMs); atMs < lastMs; atMs += chance.between(1, 2 * everyMs)) {
      script.at(atMs, what);
    }
  };
  const rough = chance.between(2, 8) * 20_000 * pace;
  often(15_000 * pace, () => {
    network.weather = deployment.weather();
  });
  often(rough, () => takeOff(script, somebody(), 'unplugged', chance.between(1_000, 40_000)));
  often(rough, () => takeOff(script, somebody(), 'asleep', chance.between(500, 90_000)));
  often(rough, () => network.breakStreams(somebody()));
  if (chance.percent(60)) often(lastMs, () => deployment.restartEcho());
  if (chance.percent(30)) often(lastMs, () => stopEcho(script));
  if (chance.percent(30)) often(lastMs, () => deployment.restartRegistrar());
  if (chance.percent(40)) script.at(chance.between(0, lastMs), () => lose(script, chance.one(callers)));
  // Everybody's clock at once.
  if (chance.percent(20)) script.at(chance.between(0, lastMs), () => takeAllOff(script));
}

function takeOff(script: Script, node: VirtualEndpoint, how: 'unplugged' | 'asleep', forMs: number): void {
  const { network } = script.deployment;
  if (node.off !== undefined || node.gone) return;
  network.takeOff(node, how);
  if (how === 'unplugged') notices(script, node, false);
  script.later(forMs, () => {
    if (script.lost.has(node)) return;
    network.bringBack(node);
    if (how === 'unplugged') notices(script, node, true);
  });
}

/** The machine sees that its link is gone, or that it is back (io/address-watch.ts). */
function notices(script: Script, node: VirtualEndpoint, linked: boolean): void {
  const { network } = script.deployment;
  const defaultAddresses = linked ? { ipv4: node.local.address } : {};
  script.later(NOTICED_MS, () => {
    const isLinked = node.off !== 'unplugged';
    if (node.gone || node.off === 'asleep' || isLinked !== linked) return;
    network.feed(node, { type: 'addresses', defaultAddresses, interfaces: [] });
  });
}

function takeAllOff(script: Script): void {
  const { echo, registrar, callers, chance } = script.deployment;
  const forMs = chance.between(1_000, 3_600_000);
  for (const node of [echo, registrar, ...callers]) takeOff(script, node, 'asleep', forMs);
}

/** The echo goes as a service that is updated: it ends its calls, unregisters, and is started again. */
function stopEcho(script: Script): void {
  const { deployment } = script;
  const { echo, watcher } = deployment;
  if (echo.off !== undefined || echo.stopped !== undefined) return;
  echo.act({ type: 'stop', reason: 'an update' });
  script.later(STOPPED_MS, () => {
    if (echo.gone || echo.off !== undefined) return;
    const record = watcher.of(echo);
    const left = [...leftAt(record), ...unendedAt(record)];
    if (echo.stopped === undefined) left.push('it did not stop in time');
    watcher.faults.push(...left.map((fault) => `echo, stopped: ${fault}`));
    deployment.restartEcho();
  });
}

/** A phone that never comes back; its streams time out after a while. */
function lose(script: Script, node: VirtualEndpoint): void {
  const { network, chance } = script.deployment;
  script.lost.add(node);
  network.takeOff(node, 'unplugged');
  script.later(chance.between(1_000, 90_000), () => network.breakStreams(node));
}
