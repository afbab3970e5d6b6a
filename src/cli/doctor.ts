/**
 * `ringback doctor [SERVER]`: what a person would check by hand, in less than 10 s: what will work from here, what will
 * not, and what to do about it. In the foreground, in this process; nothing is bound and nobody is called.
 */
import type { Finding } from '../doctor/check.ts';
import { EVENT_VERSION, type Event, type EventBody } from '../events.ts';
import { examine } from './doctor-checks.ts';
import { checkFinished, concluded, rounded } from './doctor-events.ts';
import { readTarget, type Target } from './doctor-target.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import type { Options } from './options.ts';
import { openOutput, withoutRaw } from './output.ts';
import { stopOnSignals } from './signals.ts';
import { VERSION } from './version.ts';

/** Events of the engine that say something to everybody who reads on; the rest needs -v. */
const SPEAKING: ReadonlySet<EventBody['type']> = new Set(['ping.answered', 'registration.queried'] as const);
/** Said by this file for the whole session. */
const OWN: ReadonlySet<EventBody['type']> = new Set(['session.started', 'session.stopped'] as const);

export async function run(invocation: Invocation): Promise<number> {
  const { options, target } = readTarget(invocation);
  const interrupted = Promise.withResolvers<ExitCode>();
  const output = openOutput(options, () => {}, 'transcript');
  for (const warning of options.warnings) output.warn(warning);
  stopOnSignals((signal) => interrupted.resolve(signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated));
  const say = stamped((event) => output.event(options.rawMessages ? event : withoutRaw(event)));
  say({
    type: 'session.started',
    version: VERSION,
    wallTime: new Date().toISOString(),
    configuration: configurationOf(options, target),
  });
  const findings: Finding[] = [];
  const examined = examine({
    options,
    target,
    cancelled: interrupted.promise,
    onFinding(finding, tookMs) {
      findings.push(finding);
      say(checkFinished(finding, tookMs));
    },
    onEvent({ v: _v, seq: _seq, atMs: _atMs, ...body }) {
      const wanted = options.verbosity > 0 || (options.output === 'json' && SPEAKING.has(body.type));
      if (wanted && !OWN.has(body.type)) say(body);
    },
  });
  const ended = await Promise.race([interrupted.promise, examined]);
  const stop = (reason: string, exitCode: ExitCode) => say({ type: 'session.stopped', reason, exitCode });
  let exitCode: ExitCode;
  if (typeof ended === 'number') {
    exitCode = ended;
    stop('interrupted', exitCode);
  } else {
    const { finished, code } = concluded(
      findings,
      target === undefined ? undefined : { server: target.name, wanted: ended },
      performance.now(),
    );
    exitCode = code;
    say(finished);
    stop('everything was looked at', exitCode);
  }
  await output.close();
  return exitCode;
}

/** Events of this session, numbered and timed by its own clock. */
function stamped(write: (event: Event) => void): (body: EventBody) => void {
  let seq = 0;
  return (body) => write({ v: EVENT_VERSION, seq: ++seq, atMs: rounded(performance.now()), ...body });
}

/** What was asked for, without the password. */
function configurationOf(
  { bind, dns, advertiseIp, sipPort, rtpPorts }: Options,
  target: Target | undefined,
): Record<string, unknown> {
  const { hop, account } = target ?? {};
  return {
    ...(hop === undefined ? {} : { server: hop }),
    ...(account === undefined ? {} : { account: { ...account, password: '***' } }),
    ...(bind === undefined ? {} : { bind }),
    ...(dns === undefined ? {} : { dns }),
    ...(advertiseIp === undefined ? {} : { advertiseIp }),
    sipPort,
    rtpPorts,
  };
}
