/**
 * The checks of `doctor` that need the server: each transport, the public address, SIP ALG, certificate, clock and
 * credentials. All of them read what the same few OPTIONS brought back.
 */
import type { Facing } from '../doctor/addresses.ts';
import { judgeCertificate } from '../doctor/certificate.ts';
import type { Finding } from '../doctor/check.ts';
import { type DateHeard, judgeClock, readDate } from '../doctor/clock.ts';
import { judgeCredentials, notAsked } from '../doctor/credentials.ts';
import type { DnsFacts } from '../doctor/dns.ts';
import { isOddSighting, judgePublicAddress, type Sighting } from '../doctor/public-address.ts';
import { isAnswered, judgeReach, type Reach } from '../doctor/reach.ts';
import { judgeAlg } from '../doctor/sip-alg.ts';
import { answerOf, exchangesIn, sightingsIn } from '../doctor/wire.ts';
import { isRefused } from '../io/icmp-check.ts';
import { findLocalAddresses } from '../io/local-addresses.ts';
import { takesConnections } from '../io/tcp-check.ts';
import { formatAddress, type ServerHop, type Transport } from '../sip/flow.ts';
import { STUN_PORT } from '../stun/message.ts';
import type { Checks } from './doctor-run.ts';
import type { Session } from './doctor-session.ts';
import type { Target } from './doctor-target.ts';
import { hopsToTry, pingUri, TRANSPORTS } from './doctor-ways.ts';
import type { Options } from './options.ts';

/** How long an OPTIONS, a query and a STUN server are waited for, in ms; see END_MS in doctor-run.ts. */
const PING_MS = 3_000;
const QUERY_MS = 2_200;
const STUN_MS = 3_500;
/** How long a connection is waited for where TLS was silent, in ms. */
const CONNECT_MS = 500;

/** What they look at. */
export interface ServerScene {
  readonly target: Target;
  readonly options: Options;
  readonly dns: Promise<DnsFacts>;
  readonly faced: Promise<readonly Facing[]>;
  readonly session: Promise<Session>;
}

/** The checks, each over what the others may have asked for already. */
export class ServerChecks {
  /** Transports that the settings and DNS lead to. */
  wanted: readonly Transport[] = [];
  private readonly pings: Promise<ReadonlyMap<ServerHop, Promise<Reach>>>;

  constructor(private readonly about: ServerScene) {
    this.pings = this.ask();
  }

  begin(checks: Checks): void {
    for (const transport of TRANSPORTS) checks.run(transport, () => this.reach(transport));
    checks.run('certificate', () => this.certificate());
    checks.run('public-address', () => this.publicAddress());
    checks.run('sip-alg', () => this.alg());
    checks.run('clock', () => this.clock());
    if (this.about.target.account !== undefined) checks.run('credentials', () => this.credentials());
  }

  /** An OPTIONS to every address over every transport, all at once. */
  private async ask(): Promise<ReadonlyMap<ServerHop, Promise<Reach>>> {
    const [{ order }, session] = await Promise.all([this.about.dns, this.about.session]);
    this.wanted = [...new Set(order.map(({ transport }) => transport))];
    const hops = hopsToTry(this.about.target.hop, order);
    const nowhere = (await this.about.faced).filter(({ source }) => source === undefined);
    return new Map(
      hops.map((hop) => {
        if (nowhere.some(({ server }) => server === hop.address)) {
          return [hop, Promise.resolve({ hop, answer: { type: 'no-route' } })];
        }
        const answer = session.ping(pingUri(this.about.target.hop, hop.transport), hop, PING_MS);
        const reach = answer.then((event) => ({ hop, answer: answerOf(event, PING_MS) }));
        if (hop.transport === 'udp') return [hop, Promise.race([reach, refusal(hop)])];
        return [hop, hop.transport === 'tls' ? reach.then(silentToTls) : reach];
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
    const shut = wanted && (await this.isShut(transport));
    const fine = reached.every(isAnswered) || !wanted;
    // Only who has a bad word to say waits for what the others came to.
    const others = fine ? [] : (await this.all()).filter(isAnswered).map(({ hop }) => hop.transport);
    return judgeReach({ transport, wanted, reached, others: [...new Set(others)], shut });
  }

  /** It stands behind TLS, and no server of TLS proved who it is. */
  private async isShut(transport: Transport): Promise<boolean> {
    const [tls, own] = [this.wanted.indexOf('tls'), this.wanted.indexOf(transport)];
    return tls !== -1 && own > tls && (await this.firstAnswering()) === 'unproven';
  }

  private async publicAddress(): Promise<Finding | undefined> {
    const session = await this.about.session;
    const stun = stunSightings(this.about.options, session);
    const reached = await this.over('udp');
    if ((await this.pings).size === 0) return undefined;
    const [facing] = await this.about.faced;
    const messages = session.messages.map(({ event }) => event);
    const { sightings, mute } = sightingsIn(exchangesIn(messages, 'udp'));
    const answered = reached.filter(isAnswered).map(({ hop }) => formatAddress(hop));
    const { source } = facing ?? {};
    const said = await stun;
    // Where UDP said nothing, what streams say is waited for.
    const overStreams = sightings.length > 0 ? [] : await this.all().then(() => streamSightings(session));
    return judgePublicAddress({
      local: source === undefined ? undefined : { address: source, port: session.sipPort },
      sightings: [...sightings, ...said.sightings],
      stunFailure: said.failure,
      overStreams,
      mute: mute.filter((one) => answered.includes(formatAddress(one))),
      advertised: this.about.options.advertiseIp,
    });
  }

  private async alg(): Promise<Finding | undefined> {
    await this.all();
    const session = await this.about.session;
    const wire = session.messages.map(({ event }) => event);
    const exchanges = exchangesIn(wire);
    const udp = sightingsIn(exchangesIn(wire, 'udp')).sightings;
    const odd = udp.filter(({ by, seen }) => isOddSighting(by, seen));
    const stun = odd.length === 0 ? [] : (await stunSightings(this.about.options, session)).sightings;
    const seenOtherwise = [...streamSightings(session), ...stun].map(({ seen }) => seen.address);
    return judgeAlg({ exchanges, privateSightings: odd, seenOtherwise });
  }

  private async certificate(): Promise<Finding | undefined> {
    await this.over('tls');
    const { secured, diagnoses } = await this.about.session;
    return judgeCertificate({
      secured,
      faults: diagnoses.filter(({ code }) => code.startsWith('tls-')),
      nowMs: Date.now(),
      wanted: this.wanted.includes('tls'),
    });
  }

  private async clock(): Promise<Finding | undefined> {
    const reached = await this.all();
    if (reached.length === 0) return undefined;
    const { messages } = await this.about.session;
    const heard = messages.flatMap(({ event, wallMs }): DateHeard[] => {
      const date =
        event.type === 'sip.received' ? /^Date[ \t]*:(.*)$/im.exec(event.raw ?? '')?.[1] : undefined;
      const dateMs = date === undefined ? undefined : readDate(date);
      return dateMs === undefined ? [] : [{ server: event.remote, dateMs, heardMs: wallMs }];
    });
    return judgeClock(heard, reached.some(isAnswered));
  }

  private async credentials(): Promise<Finding | undefined> {
    const { account } = this.about.target;
    if (account === undefined) return undefined;
    const session = await this.about.session;
    const server = await this.firstAnswering();
    if (server === undefined || server === 'unproven') return notAsked(this.wanted, server);
    const queried = await session.query(account, server, QUERY_MS);
    const challenged = session.messages.some(
      ({ event }) =>
        event.type === 'sip.received' &&
        / REGISTER$/.test(event.cseq ?? '') &&
        /^SIP\/2\.0 40[17] /.test(event.startLine),
    );
    return judgeCredentials({ queried, challenged, hasPassword: account.password !== '' });
  }

  /** The one that the engine would come to: the first that answers, in the order of DNS, with no way down from TLS. */
  private async firstAnswering(): Promise<ServerHop | 'unproven' | undefined> {
    let unproven = false;
    for (const [hop, reach] of await this.pings) {
      const { transport } = hop;
      if (!this.wanted.includes(transport) || (unproven && transport !== 'tls')) continue;
      const reached = await reach;
      if (isAnswered(reached)) return hop;
      // sip/bid-down.ts: who could not prove itself gets the digest in the clear by no other way.
      unproven ||= transport === 'tls' && reached.answer.type === 'failed';
    }
    return unproven ? 'unproven' : undefined;
  }
}

/** Where we are seen over TCP and TLS. */
function streamSightings({ messages }: Session): readonly Sighting[] {
  const wire = messages.map(({ event }) => event);
  return (['tcp', 'tls'] as const).flatMap((one) => sightingsIn(exchangesIn(wire, one)).sightings);
}

/** What a STUN server says, when one was named. */
async function stunSightings(
  { stun }: Options,
  session: Session,
): Promise<{ readonly sightings: readonly Sighting[]; readonly failure?: string }> {
  if (stun === undefined) return { sightings: [] };
  const answer = await session.stun(STUN_MS);
  if ('failure' in answer) {
    const { failure } = answer;
    // What the engine says of it names the address, which may be the host.
    return { sightings: [], failure: failure.startsWith(stun.host) ? failure : `${stun.host}: ${failure}` };
  }
  const by = { address: stun.host, port: stun.port ?? STUN_PORT };
  return { sightings: [{ by, how: 'stun', seen: answer.mapped }] };
}

/** The public address where no SIP server is looked at. */
export async function publicByStun(options: Options, session: Session): Promise<Finding> {
  const { sightings, failure: stunFailure } = await stunSightings(options, session);
  const { ipv4 } = findLocalAddresses().defaultAddresses;
  const address = options.bind ?? ipv4;
  const local = address === undefined ? undefined : { address, port: session.sipPort };
  return judgePublicAddress({ local, sightings, stunFailure, mute: [], advertised: options.advertiseIp });
}

/** Comes only when somebody says that nobody is there. */
async function refusal(hop: ServerHop): Promise<Reach> {
  if (await isRefused(hop, PING_MS)) return { hop, answer: { type: 'refused' } };
  return { hop, answer: { type: 'silent', waitedMs: PING_MS } };
}

/** A port that takes connections and says nothing to TLS speaks something else. */
async function silentToTls(reach: Reach): Promise<Reach> {
  const { hop, answer } = reach;
  if (answer.type !== 'silent' || !(await takesConnections(hop, CONNECT_MS))) return reach;
  const detail =
    'it takes the connection and says nothing to TLS: it speaks SIP without TLS, or something else';
  return { hop, answer: { type: 'failed', detail, plain: true } };
}
