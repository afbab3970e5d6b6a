/**
 * `ringback ping TARGET`: asks with OPTIONS who is there, how fast, and what it supports. In the foreground, in this
 * process: a ping leaves nothing behind that an agent could keep.
 *
 * Why a status of 300 and more is exit code 4 although it proves that somebody lives: a script that asks whether calls
 * will work must not be told yes by a 404 or a 503. The line says which it was.
 */
import type { Event, EventOf } from '../events.ts';
import type { Running } from '../io/driver.ts';
import { formatHost } from '../sip/flow.ts';
import { hopOf, nextHop } from '../sip/next-hop.ts';
import { parseUri, serializeUri } from '../sip/uri.ts';
import { labDriverOptions, startOrExplain } from './driver-options.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { target } from './flag-values.ts';
import { flag } from './flags.ts';
import type { Invocation } from './invocation.ts';
import { type Options, readOptions, readSettings } from './options.ts';
import { openOutput, withoutRaw } from './output.ts';
import { rehearsePing } from './ping-rehearsal.ts';
import { shownOfPings } from './ping-shown.ts';
import { keepsRecords, openRecords } from './records.ts';
import { checkSecure } from './secure-target.ts';
import { compareSources, type GivenValues, type Settings } from './settings.ts';
import { stopOnSignals } from './signals.ts';
import { UsageError } from './usage-error.ts';

/** What is asked, and how often. */
interface Asked {
  readonly to: string;
  readonly options: Options;
  /** 0: for ever. */
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** Asks, and prints what comes. */
export async function run(invocation: Invocation): Promise<number> {
  const asked = readAsked(invocation);
  const { options } = asked;
  const pings = new Pings(asked);
  const { trace: _trace, transcript: _transcript, ...printed } = options;
  const output = openOutput(printed, () => pings.unread(), 'transcript');
  for (const warning of options.warnings) output.warn(warning);
  const records = openRecords(options, 'ping', output.warn);
  const shown = shownOfPings(options);
  const onEvent = (event: Event) => {
    for (const told of pings.take(event)) {
      records.event(told);
      const line = shown(told);
      if (line !== undefined) output.event(options.rawMessages ? line : withoutRaw(line));
    }
  };
  const driver = labDriverOptions(options, onEvent, records.tap);
  const { proxy } = options;
  const endpoint = {
    ...driver.endpoint,
    rawMessages: options.rawMessages || keepsRecords(options),
    ...(proxy === undefined ? {} : { proxy: hopOf(proxy, 'udp') }),
  };
  rehearsePing(driver.endpoint);
  const running = await startOrExplain({ ...driver, endpoint, mediaThreads: 0 });
  const { overdue } = stopOnSignals((signal) =>
    pings.end(signal, signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated),
  );
  const [account] = options.accounts;
  if (account !== undefined) running.act({ type: 'add-account', account, register: false });
  pings.begin(running);
  if ((await Promise.race([running.stopped, overdue])) === false) {
    await output.leave?.('stopping took too long', pings.exitCode);
  }
  await records.close();
  await output.close();
  return pings.exitCode;
}

/** The pings of one command: when the next one goes out, what came back, and how it ends. */
class Pings {
  exitCode: ExitCode = EXIT.done;
  private running: Running | undefined;
  private ended: string | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private startedMs = 0;
  private sent = 0;
  private finished = 0;
  private readonly roundTripsMs: number[] = [];

  constructor(private readonly asked: Asked) {}

  begin(running: Running): void {
    this.running = running;
    this.startedMs = performance.now();
    // A signal may have come before there was anything to stop.
    if (this.ended === undefined) this.next();
    else running.act({ type: 'stop', reason: this.ended });
  }

  /** Nobody reads on. Some pings are asked to their end for their exit code; without end they were for the reader. */
  unread(): void {
    if (this.asked.count === 0) this.end('nobody reads the output', this.exitCode);
  }

  end(reason: string, exitCode: ExitCode): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    this.exitCode = exitCode;
    clearTimeout(this.timer);
    this.running?.act({ type: 'stop', reason });
  }

  /** What is to be told for an event of the endpoint. */
  take(event: Event): Event[] {
    if (event.type === 'ping.answered') return [this.answered(event)];
    if (event.type !== 'session.stopped') return [event];
    const { v, seq, atMs } = event;
    return [
      { v, seq, atMs, ...this.totals() },
      { ...event, seq: seq + 1, exitCode: this.exitCode },
    ];
  }

  private next(): void {
    const { to, count, intervalMs, timeoutMs } = this.asked;
    this.sent += 1;
    this.running?.act({ type: 'ping', to, timeoutMs });
    if (this.sent === count || this.ended !== undefined) return;
    const nextMs = this.startedMs + this.sent * intervalMs - performance.now();
    this.timer = setTimeout(() => this.next(), Math.max(0, nextMs));
  }

  private answered<E extends EventOf<'ping.answered'>>(event: E): E {
    this.finished += 1;
    if (event.rttMs !== undefined) this.roundTripsMs.push(event.rttMs);
    if (this.ended === undefined && this.exitCode === EXIT.done) this.exitCode = codeOf(event);
    // The endpoint is in the middle of a turn: what it is told next waits for the end of it.
    if (this.finished === this.asked.count)
      queueMicrotask(() => this.end('asked and answered', this.exitCode));
    return event;
  }

  private totals(): EventOf<'ping.finished'> {
    const times = this.roundTripsMs;
    const sum = times.reduce((before, one) => before + one, 0);
    return {
      type: 'ping.finished',
      to: this.asked.to,
      sent: this.sent,
      answered: times.length,
      ...(times.length === 0
        ? undefined
        : {
            minMs: times.reduce((least, one) => Math.min(least, one)),
            avgMs: Math.round((100 * sum) / times.length) / 100,
            maxMs: times.reduce((most, one) => Math.max(most, one)),
          }),
    };
  }
}

/** What one answer means to a script. */
export function codeOf({ status, failure }: EventOf<'ping.answered'>): ExitCode {
  if (failure === 'authentication') return EXIT.authenticationRefused;
  if (failure === 'no-answer') return EXIT.timeout;
  if (failure === 'network' || status === undefined) return EXIT.network;
  return status < 300 ? EXIT.done : EXIT.peerRefused;
}

/** What the command line says, checked. */
export function readAsked(invocation: Invocation): Asked {
  const [word, ...more] = invocation.rest;
  if (more.length > 0) throw new UsageError(`ringback ping asks one target; "${more[0]}" is one too many.`);
  const { settings } = readSettings(invocation.flags, invocation);
  const asked = word === undefined ? undefined : targetOf(word, settings);
  const around = settings.user === undefined ? withoutAccount(invocation) : invocation;
  const options = readOptions(withServer(invocation.flags, settings, asked), around, 'udp');
  const to = asked ?? serverOf(options);
  if (to === undefined)
    throw new UsageError('ringback ping needs a target: ringback ping sip:pbx.example.org');
  return {
    to,
    options,
    count: settings.count?.value ?? 1,
    intervalMs: (settings.interval?.value ?? 1) * 1000,
    timeoutMs: (settings.timeout?.value ?? 5) * 1000,
  };
}

/** A password in the environment that is nobody's here is another command's: a ping needs none. */
function withoutAccount(invocation: Invocation): Invocation {
  const takes = invocation.takes.filter(
    (name) => flag(name).group !== 'account' || name === 'proxy' || name === 'transport',
  );
  return { ...invocation, takes };
}

/** A URI with its scheme, and with the port and the transport that were asked for where it names none. */
function targetOf(word: string, settings: Settings): string {
  const { value: transport, source } = settings.transport ?? {};
  checkSecure(word, source?.kind === 'flag' ? transport : undefined);
  const uri = withPort(/^(?:sips?|tel):/i.test(word) ? word : `sip:${word}`, word, settings);
  const open = transport !== undefined && !/;transport=|^sips:/i.test(uri);
  const whole = open ? `${uri};transport=${transport}` : uri;
  const hop = nextHop(whole, 'udp');
  if (hop === undefined || !target.safeParse(word).success) {
    throw new UsageError(
      `ringback ping ${JSON.stringify(word)}: expected a target, like pbx.example.org or sip:bob@192.0.2.1:5070.`,
    );
  }
  return whole;
}

/** --port is that of TARGET, unless it stands beside a server of its own: both flags, or both in the environment. */
function withPort(uri: string, word: string, { port, server }: Settings): string {
  if (port === undefined || (server !== undefined && compareSources(port.source, server.source) <= 0))
    return uri;
  const parsed = parseUri(uri);
  if (!parsed.ok || parsed.value.kind !== 'sip') return uri;
  const { port: said } = parsed.value;
  if (said === undefined) return serializeUri({ ...parsed.value, port: port.value });
  if (said === port.value || port.source.kind !== 'flag') return uri;
  throw new UsageError(`${word} says port ${said} and --port says ${port.value}: leave one out.`);
}

/** Whoever gives no target asks the server of the account. */
function serverOf({ accounts: [account] }: Options): string | undefined {
  if (account === undefined) return undefined;
  const { host, port, transport, open } = account.server;
  // What is left to DNS stays so.
  const at = open === undefined ? `${formatHost(host)}:${port}` : formatHost(host);
  return open === 'transport' ? `sip:${at}` : `sip:${at};transport=${transport}`;
}

/** Whoever gives an account and no server means that of the target. */
function withServer(flags: GivenValues, settings: Settings, target: string | undefined): GivenValues {
  if (target === undefined || settings.user === undefined || settings.server !== undefined) return flags;
  const hop = nextHop(target, 'udp');
  if (hop === undefined) return flags;
  const text = `${formatHost(hop.host)}:${hop.port};transport=${hop.transport}`;
  return new Map([...flags, ['server', { text, source: { kind: 'flag' } }]]);
}
