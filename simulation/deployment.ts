/**
 * A whole deployment on the virtual network: a registrar, an echo that is registered with it, ten phones that are,
 * and two strangers that are not.
 */
import type { VirtualEndpoint } from '../src/io/virtual.ts';
import { type Actor, VirtualNetwork } from '../src/io/virtual.ts';
import { accountOf, ECHO_ADDRESS, endpointConfig, REGISTRAR_ADDRESS } from '../src/io/virtual-scene.ts';
import type { Weather } from '../src/io/virtual-weather.ts';
import type { EndpointConfig } from '../src/sip/endpoint-config.ts';
import type { SocketAddress, Transport } from '../src/sip/flow.ts';
import { Chance } from './chance.ts';
import { Watcher } from './watcher.ts';

/** Whoever calls. */
export const PHONES = 10;
const STRANGERS = 2;
/** Somebody has that address and never answers. */
export const SILENT_ADDRESS: SocketAddress = { address: '192.0.2.98', port: 5060 };
/** Nobody has that one. */
export const NOBODY_ADDRESS: SocketAddress = { address: '192.0.2.99', port: 5060 };

/** The registrar's name in DNS. */
const SERVER_NAME = 'pbx.lab.local';

const SILENT: Actor = { handle: () => [], deadlineMs: () => undefined };

/** Events that no invariant reads; making them costs more than a message. */
const UNREAD: EndpointConfig['unwantedEvents'] = new Set([
  'sip.received',
  'sip.sent',
  'timer.fired',
  'media.sampled',
]);

/** How a deployment differs from one that is right. */
export interface DeploymentOptions {
  /** Stands between an endpoint and the network, to falsify what it says. */
  readonly wrap?: (name: string, endpoint: Actor) => Actor;
  /** Told of all that is sent and said. */
  readonly trace?: (line: string) => void;
  /** No loss, no faults. */
  readonly fair?: boolean;
}

export class Deployment {
  readonly chance: Chance;
  readonly watcher: Watcher;
  readonly network: VirtualNetwork;
  /** How many times slower everything goes: some calls last so long that their sessions are refreshed (RFC 4028). */
  readonly pace: number;
  /** The registrar and proxy that runs now. */
  registrar: VirtualEndpoint;
  /** The echo that runs now. */
  echo: VirtualEndpoint;
  /** Phones first, strangers after them. */
  readonly callers: readonly VirtualEndpoint[];
  private readonly delays: Pick<EndpointConfig, 'ringDelayMs' | 'answerDelayMs' | 'mediaTimeoutMs'>;
  private readonly ports: readonly number[];
  private readonly prack: boolean;
  private readonly echoTransport: Transport;
  private starts = 0;

  constructor(
    readonly seed: number,
    readonly options: DeploymentOptions = {},
  ) {
    this.chance = new Chance(seed, 1);
    this.watcher = new Watcher(options.trace);
    const { chance, watcher } = this;
    this.network = new VirtualNetwork([seed, 2, 3, 4], this.weather(), { keep: false, watch: watcher.watch });
    this.pace = chance.percent(15) ? 200 : 1;
    this.network.addActor('silent', SILENT_ADDRESS, SILENT);
    // The first address of the name is dead at times (RFC 3263 §4.3).
    this.network.names.set(SERVER_NAME, [
      ...chance.one([[], [NOBODY_ADDRESS.address], [SILENT_ADDRESS.address]]),
      REGISTRAR_ADDRESS.address,
    ]);
    this.registrar = this.startRegistrar();
    this.delays = {
      ringDelayMs: chance.percent(50) ? 0 : chance.between(1, 1_000),
      answerDelayMs: chance.percent(30) ? 0 : chance.between(1, 4_000),
      mediaTimeoutMs: chance.percent(50) ? 0 : 10_000 * this.pace,
    };
    // Fewer than calls at times, so that some wait for one.
    const count = chance.one([4, 16, 40, 40]);
    this.ports = Array.from({ length: count }, (_, index) => 10_000 + 2 * index);
    this.prack = chance.percent(50);
    this.echoTransport = chance.one(['udp', 'tcp']);
    this.echo = this.startEcho();
    this.callers = Array.from({ length: PHONES + STRANGERS }, (_, index) => this.startCaller(index));
  }

  /** The echo anew, at the same address: it remembers nothing. */
  restartEcho(): void {
    this.echo = this.startEcho();
    this.echo.act({ type: 'register' });
  }

  /** The registrar anew, without a binding. */
  restartRegistrar(): void {
    this.registrar = this.startRegistrar();
  }

  /** One of the sorts of weather: fair, slow, bad. */
  weather(): Weather {
    const { chance, options } = this;
    if (options.fair === true || chance.percent(25)) {
      return { latencyMs: [1, chance.between(1, 60)], loss: 0, duplication: 0, reordering: 0 };
    }
    return {
      // With a datagram that is held back as well it stays under T1, as the RFC assumes of a round trip's half.
      latencyMs: [1, chance.between(5, 200)],
      loss: chance.fraction() * 0.3,
      duplication: chance.fraction() * 0.3,
      reordering: chance.fraction() * 0.3,
    };
  }

  private startRegistrar(): VirtualEndpoint {
    const users = ['echo', ...Array.from({ length: PHONES }, (_, index) => phoneUser(index))];
    return this.start('registrar', REGISTRAR_ADDRESS, {
      registrar: { domain: 'lab.local', users: users.map((user) => ({ user, password: 'secret' })) },
    });
  }

  private startEcho(): VirtualEndpoint {
    const server = { ...REGISTRAR_ADDRESS, host: REGISTRAR_ADDRESS.address, transport: this.echoTransport };
    return this.start(
      'echo',
      ECHO_ADDRESS,
      {
        echo: true,
        prack: this.prack,
        accounts: [accountOf('echo', { server, expiresS: this.pace === 1 ? 60 : 3_600 })],
        maxCalls: Math.max(this.ports.length, 8),
        ...this.delays,
      },
      this.ports,
    );
  }

  private startCaller(index: number): VirtualEndpoint {
    const { chance } = this;
    const transport = chance.one<Transport>(['udp', 'udp', 'tcp']);
    const host = chance.percent(30) ? SERVER_NAME : REGISTRAR_ADDRESS.address;
    const server = { host, port: REGISTRAR_ADDRESS.port, transport };
    const account = accountOf(phoneUser(index), {
      server,
      expiresS: chance.one([this.pace === 1 ? 60 : 1_800, 3_600]),
    });
    const local = { address: `192.0.2.${101 + index}`, port: 5060 };
    const ports = Array.from({ length: chance.one([2, 6]) }, (_, number) => 20_000 + 2 * number);
    const name = index < PHONES ? `phone-${index}` : `stranger-${index}`;
    // Every third phone answers calls.
    const about = { echo: index % 3 === 0, accounts: index < PHONES ? [account] : [] };
    return this.start(name, local, about, ports);
  }

  /** How it keeps its flow, if at all; by its name, so that one that is started again is the same user agent. */
  private keptOpen(name: string): Partial<EndpointConfig> {
    const by = (this.seed + name.length + (name.codePointAt(name.length - 1) ?? 0)) % 4;
    if (by === 3) return {};
    const outbound = { instance: `${this.seed} ${name}` };
    const keepaliveBy = ([undefined, 'options', 'stun'] as const)[by];
    return { outbound, keepaliveMs: 29_000, ...(keepaliveBy === undefined ? {} : { keepaliveBy }) };
  }

  private start(
    name: string,
    local: SocketAddress,
    about: Partial<EndpointConfig>,
    ports: readonly number[] = [],
  ): VirtualEndpoint {
    this.starts += 1;
    const seed: EndpointConfig['seed'] = [this.seed, this.starts, 7, 7];
    const kept = this.keptOpen(name);
    const config = endpointConfig(local, { seed, unwantedEvents: UNREAD ?? new Set(), ...kept, ...about });
    const wrap = (endpoint: Actor) => this.options.wrap?.(name, endpoint) ?? endpoint;
    const node = this.network.addEndpoint(name, local, config, ports, wrap);
    this.watcher.add(node, about.registrar !== undefined);
    return node;
  }
}

/** The user of a phone: 100 and up. The last one is another phone of 103, so that its calls fork. */
export function phoneUser(index: number): string {
  return String(index === PHONES - 1 ? 103 : 100 + index);
}
