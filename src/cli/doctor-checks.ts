/**
 * The checks of `ringback doctor`, all at once: what each needs, and when it can be judged. A check waits for nothing
 * but its own facts, and none for longer than the time is.
 */
import { networkInterfaces } from 'node:os';
import { type Facing, type InterfaceAddress, judgeAddresses, judgeFacing } from '../doctor/addresses.ts';
import { type CheckName, type Finding, unfinished } from '../doctor/check.ts';
import { type DateHeard, judgeClock, readDate } from '../doctor/clock.ts';
import { judgeCredentials } from '../doctor/credentials.ts';
import { type DnsFacts, judgeDns } from '../doctor/dns.ts';
import { judgeRtpPorts, judgeSipPort } from '../doctor/ports.ts';
import { judgePublicAddress } from '../doctor/public-address.ts';
import { isAnswered, judgeReach, type Reach } from '../doctor/reach.ts';
import { judgeRoutes } from '../doctor/routes.ts';
import { isOddSighting, judgeAlg } from '../doctor/sip-alg.ts';
import { answerOf, exchangesIn, sightingsIn } from '../doctor/wire.ts';
import type { Event } from '../events.ts';
import { readDefaultRoutes } from '../io/default-routes.ts';
import { checkDns } from '../io/dns-check.ts';
import { sourceTowards } from '../io/local-addresses.ts';
import { checkRtpPorts, checkSipPort } from '../io/port-check.ts';
import type { ServerHop, Transport } from '../sip/flow.ts';
import { formatAddress } from '../sip/flow.ts';
import { openSession, type Session } from './doctor-session.ts';
import type { Target } from './doctor-target.ts';
import { hopsToTry, pingUri } from './doctor-ways.ts';
import { labDriverOptions } from './driver-options.ts';
import type { Options } from './options.ts';
import { rehearsePing } from './ping-rehearsal.ts';

/** When the last check has to be done, in ms after the start of the process: it ends before 10 s. */
const END_MS = 9_000;
/** DNS, one OPTIONS, one query: one after the other they stay below that. */
const DNS_MS = 3_500;
const PING_MS = 3_000;
const QUERY_MS = 2_200;
/** Addresses of the server that our own is looked at towards. */
const MAX_FACING = 4;

/** What is looked at, and who hears of it. */
export interface Examination {
  readonly options: Options;
  readonly target: Target | undefined;
  readonly onFinding: (finding: Finding, tookMs: number) => void;
  /** Events of the engine. */
  readonly onEvent: (event: Event) => void;
  /** Resolves when nobody wants to know any more. */
  readonly cancelled: Promise<unknown>;
}

/** Looks at everything; returns the transports that settings and DNS lead to. */
export async function examine(about: Examination): Promise<readonly Transport[]> {
  const { options, target } = about;
  const checks = new Checks(about);
  const interfaces = interfaceAddresses();
  const sipPort = checkSipPort(options.bind, options.sipPort);
  checks.run('sip-port', async () => judgeSipPort(await sipPort));
  checks.run('rtp-ports', async () => judgeRtpPorts(await checkRtpPorts(options.bind, options.rtpPorts)));
  const dns = target && checkDns(target.hop, options.dns, Math.random, DNS_MS);
  const faced = dns?.then(({ order }) => facing(order, options));
  checks.run('addresses', async () => {
    const facts = { interfaces, bind: options.bind };
    const found = judgeAddresses(facts);
    // Only who has a bad word to say waits for what is needed.
    return found.verdict === 'ok' ? found : judgeAddresses({ ...facts, facing: await faced });
  });
  checks.run('default-route', async () => {
    const routes = await readDefaultRoutes();
    const found = judgeRoutes(routes);
    return found.verdict === 'ok' ? found : judgeRoutes(routes, await faced);
  });
  if (target === undefined || dns === undefined || faced === undefined) {
    await checks.done();
    return [];
  }
  checks.run('dns', async () => judgeDns(await dns));
  checks.run('local-address', async () => {
    const servers = await faced;
    return servers.length === 0 ? undefined : judgeFacing(servers, interfaces, options.advertiseIp);
  });
  let opened: Session | undefined;
  const session = sipPort.then(async ({ udp, tcp, port }) => {
    const free = udp.state === 'free' && tcp.state === 'free';
    rehearsePing(labDriverOptions(options, () => {}).endpoint);
    opened = await openSession(options, free ? port : 0, about.onEvent);
    return opened;
  });
  const server = new ServerChecks(target, options, dns, session);
  server.begin(checks);
  await checks.done();
  await opened?.stop();
  return server.wanted;
}

/** Runs checks side by side and tells of each when it is done, or when the time is over. */
class Checks {
  private readonly running: Promise<void>[] = [];
  private readonly over: Promise<'over'>;

  constructor(private readonly about: Examination) {
    this.over = new Promise((resolve) => {
      setTimeout(() => resolve('over'), END_MS - performance.now()).unref();
    });
  }

  /** `look` gives nothing when there is nothing to say. */
  run(check: CheckName, look: () => Promise<Finding | undefined>): void {
    const startedMs = performance.now();
    const looked = Promise.race([attempted(check, look), this.over]).then((found) => {
      const tookMs = performance.now() - startedMs;
      const finding = found === 'over' ? unfinished(check, tookMs) : found;
      if (finding !== undefined) this.about.onFinding(finding, tookMs);
    });
    this.running.push(looked);
  }

  async done(): Promise<void> {
    await Promise.race([Promise.all(this.running), this.about.cancelled]);
  }
}

/** What could not be begun (no port to listen on) is said; an error with a type of its own is a bug of ours. */
async function attempted(
  check: CheckName,
  look: () => Promise<Finding | undefined>,
): Promise<Finding | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
    return { check, verdict: 'unknown', evidence: error.message };
  }
}

/** The checks that need the server. */
class ServerChecks {
  /** Transports that the settings and DNS lead to. */
  wanted: readonly Transport[] = [];
  private readonly pings: Promise<ReadonlyMap<ServerHop, Promise<Reach>>>;

  constructor(
    private readonly target: Target,
    private readonly options: Options,
    private readonly dns: Promise<DnsFacts>,
    private readonly session: Promise<Session>,
  ) {
    this.pings = this.ask();
  }

  begin(checks: Checks): void {
    for (const transport of ['udp', 'tcp'] as const) checks.run(transport, () => this.reach(transport));
    checks.run('public-address', () => this.publicAddress());
    checks.run('sip-alg', () => this.alg());
    checks.run('clock', () => this.clock());
    if (this.target.account !== undefined) checks.run('credentials', () => this.credentials());
  }

  /** An OPTIONS to every address over every transport, all at once. */
  private async ask(): Promise<ReadonlyMap<ServerHop, Promise<Reach>>> {
    const [{ order }, session] = await Promise.all([this.dns, this.session]);
    this.wanted = [...new Set(order.map(({ transport }) => transport))];
    const hops = hopsToTry(this.target.hop, order);
    return new Map(
      hops.map((hop) => {
        const answer = session.ping(pingUri(this.target.hop, hop.transport), hop, PING_MS);
        return [hop, answer.then((event) => ({ hop, answer: answerOf(event, PING_MS) }))];
      }),
    );
  }

  private async over(transport: Transport): Promise<readonly Reach[]> {
    const asked = [...(await this.pings)].filter(([hop]) => hop.transport === transport);
    return Promise.all(asked.map(([, reach]) => reach));
  }

  private async all(): Promise<readonly Reach[]> {
    return Promise.all((await this.pings).values());
  }

  private async reach(transport: Transport): Promise<Finding | undefined> {
    const reached = await this.over(transport);
    // The name leads nowhere: dns has said so.
    if (reached.length === 0) return undefined;
    const wanted = this.wanted.includes(transport);
    const fine = reached.every(isAnswered) || !wanted;
    // Only who has a bad word to say waits for what the others came to.
    const others = fine ? [] : (await this.all()).filter(isAnswered).map(({ hop }) => hop.transport);
    return judgeReach({ transport, wanted, reached, others: [...new Set(others)] });
  }

  private async publicAddress(): Promise<Finding | undefined> {
    const reached = await this.over('udp');
    if ((await this.pings).size === 0) return undefined;
    const session = await this.session;
    const { local, sightings, mute } = sightingsIn(
      exchangesIn(
        session.messages.map(({ event }) => event),
        'udp',
      ),
    );
    const answered = reached.filter(isAnswered).map(({ hop }) => formatAddress(hop));
    const silent = mute.filter((one) => answered.includes(formatAddress(one)));
    return judgePublicAddress({
      local,
      sightings,
      mute: silent,
      advertised: this.options.advertiseIp,
    });
  }

  private async alg(): Promise<Finding | undefined> {
    await this.all();
    const { messages } = await this.session;
    const exchanges = exchangesIn(messages.map(({ event }) => event));
    const { sightings } = sightingsIn(exchanges);
    const odd = sightings.filter(({ by, seen }) => isOddSighting(by, seen));
    return judgeAlg({ exchanges, privateSightings: odd });
  }

  private async clock(): Promise<Finding | undefined> {
    const reached = await this.all();
    if (reached.length === 0) return undefined;
    const { messages } = await this.session;
    const heard = messages.flatMap(({ event, wallMs }): DateHeard[] => {
      const date =
        event.type === 'sip.received' ? /^Date[ \t]*:(.*)$/im.exec(event.raw ?? '')?.[1] : undefined;
      const dateMs = date === undefined ? undefined : readDate(date);
      return dateMs === undefined ? [] : [{ server: event.remote, dateMs, heardMs: wallMs }];
    });
    return judgeClock(heard, reached.some(isAnswered));
  }

  private async credentials(): Promise<Finding | undefined> {
    const { account } = this.target;
    if (account === undefined) return undefined;
    const session = await this.session;
    const server = await this.firstAnswering();
    if (server === undefined) return undefined;
    const queried = await session.query(account, server, QUERY_MS);
    const challenged = session.messages.some(
      ({ event }) =>
        event.type === 'sip.received' &&
        / REGISTER$/.test(event.cseq ?? '') &&
        /^SIP\/2\.0 40[17] /.test(event.startLine),
    );
    return judgeCredentials({ queried, challenged, hasPassword: account.password !== '' });
  }

  /** The one that the engine would come to: the first that answers, in the order of DNS. */
  private async firstAnswering(): Promise<ServerHop | undefined> {
    const pings = await this.pings;
    for (const [hop, reach] of pings) {
      if (this.wanted.includes(hop.transport) && isAnswered(await reach)) return hop;
    }
    return undefined;
  }
}

function facing(order: readonly ServerHop[], { bind }: Options): readonly Facing[] {
  const servers = [...new Set(order.map(({ address }) => address))].slice(0, MAX_FACING);
  return servers.map((server) => ({ server, source: bind ?? sourceTowards(server) }));
}

function interfaceAddresses(): readonly InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, infos]) =>
    (infos ?? []).map(({ address, cidr }) => ({
      name,
      address,
      prefixLength: Number(cidr?.split('/')[1] ?? 0),
    })),
  );
}
