/**
 * What happens in a deployment, drawn from its seed: calls, when they are hung up and by whom; weather, cables,
 * restarts, sleep. Then everybody comes back, hangs up and goes, and nothing may be left.
 */
import type { VirtualEndpoint } from '../src/io/virtual.ts';
import { ECHO_ADDRESS } from '../src/io/virtual-scene.ts';
import { Deadlines } from '../src/sip/deadlines.ts';
import type { Action } from '../src/sip/endpoint-io.ts';
import { formatAddress } from '../src/sip/flow.ts';
import { type Deployment, NOBODY_ADDRESS, PHONES, phoneUser, SILENT_ADDRESS } from './deployment.ts';
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
  private placed = 0;
  /** Phones that vanish for good. */
  private readonly lost = new Set<VirtualEndpoint>();

  constructor(private readonly deployment: Deployment) {}

  /** So many calls, all that befalls them, and the end. */
  play(calls: number): Outcome {
    const { deployment } = this;
    const { callers, echo, watcher, seed } = deployment;
    for (const node of [echo, ...callers]) {
      this.at(deployment.chance.between(0, 2_000), () => this.act(node, { type: 'register' }));
    }
    const lastMs = Math.max(...callers.map((caller, index) => this.planCalls(caller, index, calls)));
    for (let atMs = 0; atMs < lastMs; atMs += SAMPLE_EVERY_MS) this.at(atMs, () => this.sample());
    if (deployment.options.fair !== true) this.planFaults(lastMs);
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

  private at(atMs: number, what: () => void): void {
    this.moments.arm(atMs, 'moment', what);
  }

  private later(inMs: number, what: () => void): void {
    this.at(this.deployment.network.nowMs + inMs, what);
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
  private act(node: VirtualEndpoint, action: Action): void {
    if (node.off !== 'asleep' && !node.gone) node.act(action);
  }

  /** The calls of one caller; when the last of them is placed. */
  private planCalls(caller: VirtualEndpoint, index: number, calls: number): number {
    const { chance, callers } = this.deployment;
    let atMs = 3_000;
    for (let count = index; count < calls; count += callers.length) {
      atMs += chance.between(100, 12_000);
      this.planCall(caller, index, atMs);
    }
    return atMs;
  }

  /** One call, and its end by either side at any moment. */
  private planCall(caller: VirtualEndpoint, index: number, atMs: number): void {
    const { deployment } = this;
    const { chance, watcher } = deployment;
    const to = this.destination(index);
    const audio = { address: caller.local.address, port: 40_000 };
    const hangUpMs = chance.between(0, chance.one([1_500, 8_000, 20_000]));
    const byCaller = chance.percent(65);
    const byEcho = !byCaller || chance.percent(15);
    const skewMs = chance.percent(50) ? 0 : chance.between(0, 300);
    this.at(atMs, () => {
      if (caller.off === 'asleep') return;
      this.act(caller, { type: 'call', to, audio });
      this.placed += 1;
      const { handle, callId } = watcher.of(caller).newest ?? { handle: '', callId: '' };
      if (byCaller) this.later(hangUpMs, () => this.act(caller, { type: 'hangup', call: handle }));
      if (!byEcho) return;
      this.later(hangUpMs + skewMs, () => {
        const there = watcher.of(deployment.echo).callOf.get(callId);
        if (there !== undefined) this.act(deployment.echo, { type: 'hangup', call: there.handle });
      });
    });
  }

  /** Mostly the echo; sometimes a phone that answers nobody, a user that is not there, an address that is silent. */
  private destination(index: number): string {
    const { chance } = this.deployment;
    if (index < PHONES) {
      if (chance.percent(85)) return 'sip:echo@lab.local';
      return `sip:${chance.one(['nobody', phoneUser(chance.between(0, PHONES - 1))])}@lab.local`;
    }
    const suffix = chance.one(['', ';transport=tcp']);
    const address = chance.percent(85) ? ECHO_ADDRESS : chance.one([SILENT_ADDRESS, NOBODY_ADDRESS]);
    return `sip:echo@${formatAddress(address)}${suffix}`;
  }

  /** The driver's clock, and voices: most calls are heard. */
  private sample(): void {
    const { echo, chance } = this.deployment;
    if (echo.off === 'asleep') return;
    for (const slot of echo.media.open.keys()) {
      if (chance.percent(80)) echo.media.count(slot, { packetsReceived: 125, packetsSent: 125 });
    }
    echo.sample();
  }

  private planFaults(lastMs: number): void {
    const { deployment } = this;
    const { chance, network, registrar, callers } = deployment;
    const somebody = () => chance.one([deployment.echo, deployment.echo, registrar, ...callers]);
    const often = (everyMs: number, what: () => void) => {
      for (let atMs = chance.between(0, everyMs); atMs < lastMs; atMs += chance.between(1, 2 * everyMs)) {
        this.at(atMs, what);
      }
    };
    const rough = chance.between(2, 8) * 20_000;
    often(15_000, () => {
      network.weather = deployment.weather();
    });
    often(rough, () => this.takeOff(somebody(), 'unplugged', chance.between(1_000, 40_000)));
    often(rough, () => this.takeOff(somebody(), 'asleep', chance.between(500, 90_000)));
    often(rough, () => network.breakStreams(somebody()));
    if (chance.percent(60)) often(lastMs, () => deployment.restartEcho());
    if (chance.percent(40)) this.at(chance.between(0, lastMs), () => this.loseForGood(chance.one(callers)));
    // Everybody's clock at once: what was on its way arrives late.
    if (chance.percent(20)) this.at(chance.between(0, lastMs), () => this.takeAllOff());
  }

  private takeOff(node: VirtualEndpoint, how: 'unplugged' | 'asleep', forMs: number): void {
    if (node.off !== undefined || node.gone) return;
    this.deployment.network.takeOff(node, how);
    this.later(forMs, () => {
      if (!this.lost.has(node)) this.deployment.network.bringBack(node);
    });
  }

  private takeAllOff(): void {
    const { echo, registrar, callers, chance } = this.deployment;
    const forMs = chance.between(1_000, 3_600_000);
    for (const node of [echo, registrar, ...callers]) this.takeOff(node, 'asleep', forMs);
  }

  /** A phone that never comes back; its streams time out after a while. */
  private loseForGood(node: VirtualEndpoint): void {
    const { network, chance } = this.deployment;
    this.lost.add(node);
    network.takeOff(node, 'unplugged');
    this.later(chance.between(1_000, 90_000), () => network.breakStreams(node));
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
