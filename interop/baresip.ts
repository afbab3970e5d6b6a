/**
 * baresip as a person's phone: registers with Kamailio, dials, plays a 440 Hz tone and writes down what it hears.
 * Driven over its ctrl_tcp module (JSON in netstrings).
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { toneShare } from '../src/rtp/goertzel.ts';
import { check, type Lab, LOOPBACK, type Peer, until } from './lab.ts';

/** A running phone. */
export interface Baresip {
  command(command: string, params?: string): void;
  /** Waits for one of its events: CALL_ESTABLISHED, CALL_CLOSED, REGISTER_OK. */
  event(type: string, limitMs?: number): Promise<string>;
  /** How strong the tone is in what it heard since the last 2 s of its recording, 0 to 1. */
  heardTone(): number;
  readonly peer: Peer;
}

const TONE_HZ = 440;
const RATE_HZ = 8_000;

/** Starts it as a user of the domain behind that proxy; `answers` takes every call at once. */
export async function startBaresip(
  lab: Lab,
  proxy: { readonly port: number; readonly domain: string; readonly password: string },
  transport: 'udp' | 'tcp' | 'tls',
  options: {
    readonly user?: string;
    readonly answers?: boolean;
    /** Register the flow as well (RFC 5626). */
    readonly flow?: boolean;
    /** Whom it trusts, over TLS. */
    readonly authority?: string;
    /** Its own; in another network namespace it takes no commands. */
    readonly address?: string;
  } = {},
): Promise<Baresip> {
  const { user = '200', answers = false, flow = false, address = LOOPBACK, authority } = options;
  const home = join(lab.dir, `baresip-${user}`);
  mkdirSync(home, { recursive: true });
  const sipPort = lab.port();
  const controlPort = lab.port();
  const rtpPort = lab.port();
  const settings = {
    poll_method: 'epoll',
    sip_listen: `${address}:${sipPort}`,
    net_interface: address,
    call_local_timeout: '20',
    // Relative: it cuts off a longer path.
    snd_path: `baresip-${user}`,
    audio_source: `ausine,${TONE_HZ}`,
    ausrc_srate: '48000',
    auplay_srate: `${RATE_HZ}`,
    ausrc_channels: '2',
    auplay_channels: '1',
    rtp_ports: `${rtpPort}-${rtpPort + 3}`,
    rtcp_mux: 'no',
    jitter_buffer_delay: '1-5',
    module_path: '/usr/lib/baresip/modules',
    ...(authority === undefined ? {} : { sip_cafile: authority, sip_verify_server: 'yes' }),
    ctrl_tcp_listen: `${LOOPBACK}:${controlPort}`,
  };
  const modules = ['g711.so', 'ausine.so', 'sndfile.so'].map((name) => `module ${name}`);
  const apps = ['menu.so', 'ctrl_tcp.so'].map((name) => `module_app ${name}`);
  const lines = Object.entries(settings).map(([key, value]) => `${key} ${value}`);
  writeFileSync(
    join(home, 'config'),
    [...lines, ...modules, 'module_tmp uuid.so', 'module_tmp account.so', ...apps, ''].join('\n'),
  );
  writeFileSync(join(home, 'contacts'), '');
  writeFileSync(
    join(home, 'accounts'),
    `<sip:${user}@${proxy.domain};transport=${transport}>;outbound="sip:${address}:${proxy.port};transport=${transport}"` +
      `${answers ? ';answermode=auto' : ''}${flow ? ';sipnat=outbound' : ''};auth_user=${user};auth_pass=${proxy.password};regint=60;audio_codecs=pcmu\n`,
  );
  const peer = lab.spawn(`baresip-${user}`, ['baresip', '-f', home, '-v', '-s']);
  const events: { readonly type: string; readonly text: string }[] = [];
  const hear = (text: string) => {
    const said = JSON.parse(text) as { readonly event?: boolean; readonly type?: string };
    if (said.event === true) events.push({ type: said.type ?? '', text });
  };
  const here = address === LOOPBACK;
  const control = here ? await openControl(lab, controlPort, hear) : () => {};
  const phone: Baresip = {
    peer,
    command: (command, params = '') => control(JSON.stringify({ command, params })),
    async event(type, limitMs = 8_000) {
      let found: string | undefined;
      await until(
        `baresip to say ${type} (it said ${[...new Set(events.map((event) => event.type))].join(' ')})`,
        () => {
          found = events.find((event) => event.type === type)?.text;
          return found !== undefined;
        },
        limitMs,
      );
      return found as string;
    },
    heardTone() {
      const [heard] = readdirSync(home).filter((name) => name.endsWith('-dec.wav'));
      check(heard !== undefined, 'baresip wrote no recording of what it heard');
      return toneIn(join(home, heard));
    },
  };
  await until(
    'baresip to register',
    () => /200 OK \(|registered successfully|\{0\/.*OK\}/i.test(peer.output()),
    8_000,
  );
  return phone;
}

async function openControl(
  lab: Lab,
  port: number,
  onText: (text: string) => void,
): Promise<(text: string) => void> {
  let stream: Socket | undefined;
  await until(
    'baresip to open its control port',
    () =>
      new Promise<boolean>((resolve) => {
        const attempt = connect(port, LOOPBACK);
        attempt.once('connect', () => {
          stream = attempt;
          resolve(true);
        });
        attempt.once('error', () => resolve(false));
      }),
    8_000,
  );
  const open = stream;
  check(open !== undefined, 'open');
  open.on('error', () => {});
  lab.defer(() => void open.destroy());
  let rest = Buffer.alloc(0);
  open.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const colon = rest.indexOf(':');
      if (colon < 0) return;
      const length = Number(rest.subarray(0, colon).toString('latin1'));
      if (rest.length < colon + length + 2) return;
      onText(rest.subarray(colon + 1, colon + 1 + length).toString('utf8'));
      rest = rest.subarray(colon + length + 2);
    }
  });
  return (text) => void open.write(`${Buffer.byteLength(text)}:${text},`);
}

/** The share of the tone in the last two seconds of a 16-bit WAV, 1 is a pure tone. */
function toneIn(file: string): number {
  const bytes = readFileSync(file);
  const all = new Int16Array(bytes.buffer, bytes.byteOffset + 44, (bytes.length - 44) >> 1);
  const samples = all.subarray(Math.max(0, all.length - 2 * RATE_HZ));
  check(samples.length >= RATE_HZ, `baresip wrote ${samples.length} samples only`);
  let best = 0;
  // In pieces of 100 ms: a slip of the jitter buffer turns the phase, and over 2 s it would cancel out.
  let pieces = 0;
  for (let from = 0; from + 800 <= samples.length; from += 800) {
    best += toneShare(samples.subarray(from, from + 800), TONE_HZ, RATE_HZ);
    pieces++;
  }
  return pieces === 0 ? 0 : best / pieces;
}
