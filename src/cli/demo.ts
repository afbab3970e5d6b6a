/**
 * `ringback demo`: a registrar with digest authentication, the echo service and a caller, all on loopback and in
 * this process, each an endpoint of its own with real sockets. The caller registers, reaches the echo through the
 * registrar, sends 3 s of audio and judges what comes back. It is the first line that a newcomer runs. On a terminal it
 * goes on until it is told to stop, on the screen (demo-screen.ts).
 */
import { randomInt } from 'node:crypto';
import { EVENT_VERSION, type Event, type EventBody, type EventOf } from '../events.ts';
import { type AudioVerdict, openAudioProbe } from '../io/audio-probe.ts';
import type { DriverOptions, Running } from '../io/driver.ts';
import { jsonLine } from '../report/json.ts';
import { plainReporter } from '../report/plain-reporter.ts';
import { DOMAIN, demoAccount, demoUsers, ECHO_USER, LOOPBACK, type Part, startPart } from './demo-parts.ts';
import { playOnScreen } from './demo-screen.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { type Options, readOptions } from './options.ts';
import { openLines } from './output.ts';
import { onScreen } from './screen-output.ts';
import { stopOnSignals } from './signals.ts';

const AUDIO_SECONDS = 3;
/** What may be missing of the audio, as a fraction: a busy machine drops a packet now and then. */
const LOSS_ALLOWED = 0.02;
/** How long the parts may take to register and to answer, in ms. */
const PATIENCE_MS = 10_000;
/** The length of the longest name, for the column. */
const NAME_WIDTH = 'registrar'.length;

/** Runs the three, says what happened, and ends with 0 only if the audio came back. */
export async function run(invocation: Invocation): Promise<number> {
  const options = onScreen(invocation, readOptions(invocation.flags, invocation, 'udp'));
  if (options.output === 'screen') return playOnScreen(options);
  const demo = new Demo(options);
  const signals = stopOnSignals((reason) => demo.interrupt(reason));
  const exitCode = await Promise.race([demo.play(), demo.interrupted]);
  demo.exitCode = exitCode;
  await Promise.race([demo.stop(), signals.overdue]);
  await demo.finish(exitCode);
  return exitCode;
}

class Demo {
  /** Resolves with the exit code when a signal came. */
  readonly interrupted: Promise<ExitCode>;
  /** What it came to, which its parts do not know. */
  exitCode: ExitCode = EXIT.done;
  private interruptedWith: (code: ExitCode) => void = () => {};
  private readonly running: Running[] = [];
  private readonly lines: ReturnType<typeof openLines>;
  private readonly waiting = new Set<(event: Event, part: Part) => void>();
  private readonly reporters = new Map<Part, (event: Event) => string | undefined>();
  private readonly startedMs = performance.now();
  private sequence = 0;
  /** The verdict in words; it stands last, where it is looked for. */
  private conclusion: readonly string[] = [];

  constructor(private readonly options: Options) {
    this.lines = openLines(() => {});
    const { promise, resolve } = Promise.withResolvers<ExitCode>();
    this.interrupted = promise;
    this.interruptedWith = resolve;
  }

  interrupt(_reason: string): void {
    this.interruptedWith(EXIT.interrupted);
  }

  /** The story, from the first socket to the verdict. */
  async play(): Promise<ExitCode> {
    this.say(`A registrar for ${DOMAIN}, the echo and a caller, on ${LOOPBACK}: three programs in one.`);
    const [echoUser, callerUser] = demoUsers();
    const registrar = await this.start('registrar', {
      registrar: { domain: DOMAIN, users: [echoUser, callerUser] },
    });
    const echoReady = this.waitFor('registration.changed', 'echo', isSettled);
    await this.start('echo', { echo: true, accounts: [demoAccount(echoUser, registrar.sipPort, 'tcp')] });
    const echo = await echoReady;
    if (echo?.to !== 'registered') return this.unregistered('echo', echo);
    const callerReady = this.waitFor('registration.changed', 'caller', isSettled);
    const caller = await this.start('caller', {
      accounts: [demoAccount(callerUser, registrar.sipPort, 'udp')],
    });
    const ready = await callerReady;
    return ready?.to === 'registered' ? this.call(caller) : this.unregistered('caller', ready);
  }

  private async call(caller: Running): Promise<ExitCode> {
    const probe = await openAudioProbe(LOOPBACK, randomInt(2 ** 32));
    const settled = this.waitFor(
      'call.changed',
      'caller',
      ({ to }) => to === 'established' || to === 'terminated',
    );
    const agreed = this.waitFor('media.started', 'caller', () => true);
    caller.act({ type: 'call', to: `${ECHO_USER}@${DOMAIN}`, audio: probe.local });
    const state = await settled;
    if (state?.to !== 'established')
      return this.fail(`The call failed: ${state?.reason ?? 'no answer'}.`, EXIT.peerRefused);
    const { remoteAddress, remotePort } = (await agreed) ?? {};
    if (remoteAddress === undefined || remotePort === undefined)
      return this.fail('The echo has no address.', EXIT.media);
    this.say(`The call stands. ${AUDIO_SECONDS} s of audio to the echo and back …`);
    const verdict = await probe.run({ address: remoteAddress, port: remotePort }, AUDIO_SECONDS);
    probe.close();
    const ended = this.waitFor('call.changed', 'caller', ({ to }) => to === 'terminated');
    caller.act({ type: 'hangup-all' });
    await ended;
    return this.judge(verdict);
  }

  private judge(verdict: AudioVerdict): ExitCode {
    const { sent, returned, damaged, medianMs, longestMs } = verdict;
    const good = damaged === 0 && returned >= sent * (1 - LOSS_ALLOWED);
    const times =
      medianMs === undefined || longestMs === undefined
        ? ''
        : `, median ${medianMs.toFixed(1)} ms there and back, longest ${longestMs.toFixed(1)} ms`;
    const evidence = `${returned} of ${sent} packets came back as they were sent, ${damaged} damaged${times}`;
    if (good) {
      this.verdict('audio-returned', 'info', evidence, 'the call and its audio work on this machine');
      return EXIT.done;
    }
    this.verdict(
      'audio-lost',
      'error',
      evidence,
      'something on this machine drops or delays UDP on loopback',
    );
    return EXIT.media;
  }

  /** Ends every part, the caller first. */
  async stop(): Promise<void> {
    for (const running of this.running.reverse()) {
      running.act({ type: 'stop', reason: 'the demo is over' });
      await running.stopped;
    }
  }

  async finish(exitCode: ExitCode): Promise<void> {
    if (this.options.output === 'plain') {
      for (const line of this.conclusion) this.lines.write(line);
      this.lines.write(`[EXIT] code=${exitCode}`);
    }
    await this.lines.close();
  }

  private async start(part: Part, endpoint: Partial<DriverOptions['endpoint']>): Promise<Running> {
    const running = await startPart(part, this.options, {
      endpoint,
      mediaThreads: part === 'echo' ? 1 : 0,
      onEvent: (event) => this.report(event, part),
    });
    this.running.push(running);
    return running;
  }

  /** The first event of that kind from that part; undefined when it does not come in time. */
  private waitFor<T extends Event['type']>(
    type: T,
    part: Part,
    accept: (event: EventOf<T>) => boolean,
  ): Promise<EventOf<T> | undefined> {
    const { promise, resolve } = Promise.withResolvers<EventOf<T> | undefined>();
    const look = (event: Event, from: Part) => {
      if (from === part && isOfType(event, type) && accept(event)) done(event);
    };
    const timer = setTimeout(() => done(undefined), PATIENCE_MS);
    const done = (event: EventOf<T> | undefined) => {
      clearTimeout(timer);
      this.waiting.delete(look);
      resolve(event);
    };
    this.waiting.add(look);
    return promise;
  }

  private report(event: Event, part: Part): void {
    if (this.options.output === 'json') {
      this.sequence += 1;
      const atMs = Math.round((performance.now() - this.startedMs) * 10) / 10;
      const told = event.type === 'session.stopped' ? { ...event, exitCode: this.exitCode } : event;
      this.lines.write(jsonLine({ ...told, seq: this.sequence, atMs, endpoint: part }));
    } else if (event.type !== 'session.stopped' && !this.isEcho(event, part)) this.writePlain(event, part);
    for (const look of [...this.waiting]) look(event, part);
  }

  /** What reaches the registrar has just been sent by another, who said so: three lines a message are hard to read. */
  private isEcho(event: Event, part: Part): boolean {
    return part === 'registrar' && event.type === 'sip.received' && this.options.verbosity < 1;
  }

  private writePlain(event: Event, part: Part): void {
    let reporter = this.reporters.get(part);
    if (reporter === undefined) {
      const { verbosity } = this.options;
      reporter = plainReporter({
        level: verbosity,
        style: 'transcript',
        color: this.lines.color,
        showTime: false,
      });
      this.reporters.set(part, reporter);
    }
    const shown = reporter(event);
    if (shown === undefined) return;
    for (const line of shown.split('\n')) this.lines.write(`${part.padEnd(NAME_WIDTH)}  ${line}`);
  }

  private say(sentence: string): void {
    if (this.options.output === 'plain' && this.options.verbosity >= 0) this.lines.write(sentence);
  }

  /** Without a status nobody refused: the way is at fault. */
  private unregistered(part: Part, changed: EventOf<'registration.changed'> | undefined): ExitCode {
    if (changed === undefined) return this.fail(`The ${part} could not register: no answer.`, EXIT.timeout);
    const { reason = 'without a reason', status } = changed;
    const code = status === undefined ? EXIT.network : EXIT.peerRefused;
    return this.fail(`The ${part} could not register: ${reason}.`, code);
  }

  private fail(sentence: string, code: ExitCode): ExitCode {
    this.verdict('demo-failed', 'error', sentence, 'run it again with -vv and look at the last message');
    return code;
  }

  private verdict(code: string, severity: 'info' | 'error', evidence: string, cause: string): void {
    const next = severity === 'info' ? 'ringback echo --help' : 'ringback demo -vv';
    const body: EventBody = { type: 'diagnosis.raised', code, severity, evidence, cause, next };
    if (this.options.output === 'json') this.report({ v: EVENT_VERSION, seq: 0, atMs: 0, ...body }, 'caller');
    const outcome = severity === 'info' ? 'It works' : 'It does not work';
    this.conclusion = ['', `${outcome}: ${evidence};`, `${cause}.`, `Next: ${next}`];
  }
}

function isSettled({ to }: EventOf<'registration.changed'>): boolean {
  return to === 'registered' || to === 'failed' || to === 'retrying';
}

function isOfType<T extends Event['type']>(event: Event, type: T): event is Event & EventOf<T> {
  return event.type === type;
}
