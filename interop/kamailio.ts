/** Kamailio as registrar and proxy (kamailio/kamailio.cfg), in the foreground, with its locations in memory. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Lab, LOOPBACK, output, type Peer, tail, until } from './lab.ts';

/** A Kamailio that may be stopped and started again on its port. */
export interface Kamailio {
  readonly port: number;
  /** Of TLS; 0 without it. */
  readonly tlsPort: number;
  readonly domain: string;
  readonly password: string;
  /** What its location table says, `ul.dump`. */
  locations(): Promise<string>;
  stop(): Promise<void>;
  start(): Promise<void>;
  log(): string;
}

/** TLS as it offers it: the keys of its module's configuration file. */
export interface KamailioTls {
  readonly certificate: string;
  readonly key: string;
  /** Lets in only whom this authority vouches for. */
  readonly clientAuthority?: string;
}

let starts = 0;

function writeTlsConfig(lab: Lab, { certificate, key, clientAuthority }: KamailioTls): string {
  const path = join(lab.dir, 'kamailio-tls.cfg');
  const asked = clientAuthority === undefined ? 'no' : 'yes';
  const lines = [
    '[server:default]',
    'method = TLSv1.2+',
    `certificate = ${certificate}`,
    `private_key = ${key}`,
    `verify_certificate = ${asked}`,
    `require_certificate = ${asked}`,
    ...(clientAuthority === undefined ? [] : [`ca_list = ${clientAuthority}`]),
    '[client:default]',
    'verify_certificate = no',
    'require_certificate = no',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

/** Starts it on a port of its own, UDP and TCP. */
export async function startKamailio(
  lab: Lab,
  options: {
    readonly algorithm?: 'MD5' | 'SHA-256';
    readonly nonceExpireS?: number;
    readonly address?: string;
    /** Another configuration than kamailio.cfg, and what it is told with -A. */
    readonly config?: string;
    readonly port?: number;
    readonly defines?: readonly string[];
    readonly tls?: KamailioTls;
  } = {},
): Promise<Kamailio> {
  const port = options.port ?? lab.port();
  const { address = LOOPBACK, tls } = options;
  const tlsPort = tls === undefined ? 0 : lab.port();
  const domain = 'lab.local';
  const password = 'open-sesame-1';
  const logs: Peer[] = [];
  const runtime = join(lab.dir, `kamailio-${port}`);
  mkdirSync(runtime, { recursive: true });
  // A Unix socket's path has room for 107 bytes: not in the lab's directory. /run is the scenario's own.
  const control = `/run/kamailio-${port}.ctl`;
  const argv = [
    ...['kamailio', '-f', join(import.meta.dir, 'kamailio', options.config ?? 'kamailio.cfg'), '-DD', '-E'],
    ...['-l', `udp:${address}:${port}`, '-l', `tcp:${address}:${port}`],
    ...['-A', `PASSWORD="${password}"`, '-A', `ALGORITHM="${options.algorithm ?? 'MD5'}"`],
    ...['-A', `NONCE_EXPIRE=${options.nonceExpireS ?? 300}`, '-A', `CTL_SOCKET="unix:${control}"`],
    ...(tls === undefined
      ? []
      : [
          ...['-l', `tls:${address}:${tlsPort}`, '-A', 'WITH_TLS'],
          ...['-A', `TLS_CONFIG="${writeTlsConfig(lab, tls)}"`],
        ]),
    ...(options.defines ?? []).flatMap((define) => ['-A', define]),
    ...['-Y', runtime, '-P', join(runtime, 'pid'), '-m', '32', '-M', '4'],
  ];
  const command = (...words: string[]) => output(['kamcmd', '-s', `unix:${control}`, ...words], 5_000);
  let peer: Peer | undefined;
  const kamailio: Kamailio = {
    port,
    tlsPort,
    domain,
    password,
    locations: () => command('ul.dump'),
    log: () => logs.map((each) => each.output()).join('\n'),
    async stop() {
      peer?.kill('SIGTERM');
      await peer?.exited;
    },
    async start() {
      const started = lab.spawn(`kamailio-${++starts}`, argv);
      peer = started;
      logs.push(started);
      // Deferred last, so done first: SIGKILL to the parent alone would leave its children.
      lab.defer(() => kamailio.stop());
      await until(`Kamailio to answer: ${tail(started.output(), 3)}`, answers, 15_000);
    },
  };
  const answers = async () => {
    try {
      await command('core.version');
      return true;
    } catch {
      return false;
    }
  };
  await kamailio.start();
  return kamailio;
}
