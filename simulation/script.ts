/**
 * What happens in a deployment, drawn from its seed: calls, when they are hung up and by whom; weather, cables,
 * restarts, sleep. Then everybody comes back, hangs up and goes, and nothing may be left.
 */
import type { VirtualEndpoint } from '../src/io/virtual.ts';
import { Deadlines } from '../src/sip/deadlines.ts';
import type { Action } from '../src/sip/endpoint-io.ts';
import { planCalls } from './calls.ts';
import { type Deployment, PHONES, phoneUser } from './deployment.ts';
import { planFaults } from './misfortunes.ts';
import { faultsAtRest } from './rest.ts';

/** The counters of the echo's calls are read so often, in ms; the driver does it twice a second. */
const SAMPLE_EVERY_MS = 2_500;
/** Longer than any transaction lives (§17: 64·T1), and than a BYE after an ACK that never came. */
const REST_MS = 150_000;

/** How a deployment went. */
export interface Outcome {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly placed: number;
  /** Calls that stood for their caller. */
  readonly stood: number;
  readonly steps: number;
  readonly messages: number;
  readonly digest: string;
}

export class Script {
  private readonly moments = new Deadlines<() => void>();
  placed = 0;
  /** Phones that vanished for good. */
  readonly lost = new Set<VirtualEndpoint>();

  constructor(readonly deployment: Deployment) {}

  /** So many calls, all that befalls them, and the end. */
  play(calls: number): Outcome {
    const { deployment } = this;
    const { callers, echo, watcher, seed } = deployment;
    for (const node of [echo, ...callers]) {
      this.at(deployment.chance.between(0, 2_000), () => this.act(node, { type: 'register' }));
    }
    const lastMs = planCalls(this, calls);
    const everyMs = SAMPLE_EVERY_MS * deployment.pace;
    for (let atMs = 0; atMs < lastMs; atMs += everyMs) this.at(atMs, () => this.sample());
    if (deployment.options.fair !== true) planFaults(this, lastMs);
    const { faults } = watcher;
    try {
      this.run();
      this.rest();
    } catch (error) {
      // The network and its media thread throw where an endpoint has lost track of itself.
      faults.push(
        `${deployment.network.nowMs} ms: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    const stood = callers.flatMap((caller) => [...watcher.of(caller).calls.values()]);
    return {
      seed,
      faults,
      placed: this.placed,
      stood: stood.filter(({ been }) => been.has('established')).length,
      steps: watcher.steps,
      messages: watcher.messages,
      digest: watcher.digest(),
    };
  }

  /** Does something at that time. */
  at(atMs: number, what: () => void): void {
    this.moments.arm(atMs, 'moment', what);
  }

  later(inMs: number, what: () => void): void {
    this.at(this.deployment.network.nowMs + inMs, what);
  }

  /** The driver's clock, and voices: most calls are heard. */
  private sample(): void {
    const { echo, callers, chance } = this.deployment;
    for (const node of [echo, ...callers]) {
      if (node.off === 'asleep' || node.media.open.size === 0) continue;
      for (const slot of node.media.open.keys()) {
        if (chance.percent(80)) node.media.count(slot, { packetsReceived: 125, packetsSent: 125 });
      }
      node.sample();
    }
  }

  private run(): void {
    const { moments } = this;
    const { network, watcher } = this.deployment;
    for (let atMs = moments.nextMs(); atMs !== undefined; atMs = moments.nextMs()) {
      network.run(Math.max(0, atMs - network.nowMs));
      moments.takeDue(network.nowMs)?.owner();
      // What comes after a fault follows from it.
      if (watcher.faults.length > 0) return;
    }
  }

  /** A machine that sleeps does nothing, whoever asks. */
  act(node: VirtualEndpoint, action: Action): void {
    if (node.off !== 'asleep' && !node.gone) node.act(action);
  }

  /** Everybody hangs up, waits, goes; then nothing is left, and both sides of every call agree. */
  private rest(): void {
    const { deployment } = this;
    const { network, watcher, echo, callers, registrar } = deployment;
    if (watcher.faults.length > 0) return;
    network.weather = { latencyMs: [1, 20], loss: 0, duplication: 0, reordering: 0 };
    const everybody = [...callers, echo, registrar];
    for (const node of everybody) {
      if (this.lost.has(node)) network.breakStreams(node);
      else if (node.off !== undefined) network.bringBack(node);
    }
    // Twice: a call that was taken back may have been answered meanwhile.
    for (let time = 0; time < 2; time++) {
      for (const node of everybody) node.act({ type: 'hangup-all' });
      network.run(REST_MS);
    }
    // Then the registrations go, and nothing is forced: what a stop would sweep up is seen here.
    echo.act({ type: 'remove-account', account: 'sip:echo@lab.local' });
    callers.slice(0, PHONES).forEach((phone, index) => {
      phone.act({ type: 'remove-account', account: `sip:${phoneUser(index)}@lab.local` });
    });
    if (!network.settle()) watcher.faults.push(`the network does not come to rest: ${network.nowMs} ms`);
    if (watcher.faults.length === 0) watcher.faults.push(...faultsAtRest(watcher.all));
  }
}
