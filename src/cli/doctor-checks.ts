/**
 * The checks of `ringback doctor`, all at once: what each needs, and when it can be judged. A check waits for nothing
 * but its own facts, and none for longer than the time is.
 */
import { type Facing, judgeAddresses, judgeFacing } from '../doctor/addresses.ts';
import type { Finding } from '../doctor/check.ts';
import { judgeDns } from '../doctor/dns.ts';
import { judgeRtpPorts, judgeSipPort } from '../doctor/ports.ts';
import { judgeRoutes } from '../doctor/routes.ts';
import type { Event } from '../events.ts';
import { readDefaultRoutes } from '../io/default-routes.ts';
import { checkDns } from '../io/dns-check.ts';
import { interfaceAddresses } from '../io/interface-addresses.ts';
import { sourceTowards } from '../io/local-addresses.ts';
import { checkRtpPorts, checkSipPort } from '../io/port-check.ts';
import type { ServerHop, Transport } from '../sip/flow.ts';
import { Checks } from './doctor-run.ts';
import { publicByStun, ServerChecks } from './doctor-server.ts';
import { openSession, type Session } from './doctor-session.ts';
import type { Target } from './doctor-target.ts';
import { labDriverOptions } from './driver-options.ts';
import { EXIT } from './exit-codes.ts';
import type { Options } from './options.ts';
import { rehearsePing } from './ping-rehearsal.ts';
import { UsageError } from './usage-error.ts';

/** DNS, one OPTIONS and one query (doctor-server.ts) come one after the other and stay below that. */
const DNS_MS = 3_500;
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
  const checks = new Checks(about.onFinding, about.cancelled);
  const interfaces = await interfaceAddresses().catch((error: Error) => {
    throw new UsageError(error.message, EXIT.network);
  });
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
  let opened: Session | undefined;
  const open = async (): Promise<Session> => {
    const { udp, tcp, port } = await sipPort;
    const free = udp.state === 'free' && tcp.state === 'free';
    rehearsePing(labDriverOptions(options, () => {}).endpoint);
    opened = await openSession(options, free ? port : 0, about.onEvent);
    return opened;
  };
  let server: ServerChecks | undefined;
  if (target !== undefined && dns !== undefined && faced !== undefined) {
    checks.run('dns', async () => judgeDns(await dns));
    checks.run('local-address', async () => {
      const servers = await faced;
      return servers.length === 0 ? undefined : judgeFacing(servers, interfaces, options.advertiseIp);
    });
    server = new ServerChecks({ target, options, dns, faced, session: open() });
    server.begin(checks);
  } else if (options.stun !== undefined) {
    checks.run('public-address', async () => publicByStun(options, await open()));
  }
  await checks.done();
  await opened?.stop();
  return server?.wanted ?? [];
}

function facing(order: readonly ServerHop[], { bind }: Options): readonly Facing[] {
  const servers = [...new Set(order.map(({ address }) => address))].slice(0, MAX_FACING);
  return servers.map((server) => ({ server, source: bind ?? sourceTowards(server) }));
}
