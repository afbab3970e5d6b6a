/**
 * `ringback call`: places a call, prints its transcript, and ends with 0 once it is established; the agent holds it.
 * With `--foreground` it stays until the call is over, with `--screen` the screen is opened on it.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Task } from '../agent/control-message.ts';
import type { Event } from '../events.ts';
import { describeFileError, playProblem, recordProblem } from '../io/wav-file.ts';
import type { Transport } from '../sip/flow.ts';
import { attachTo } from './attach.ts';
import { carrierFor } from './carrier.ts';
import { EXIT } from './exit-codes.ts';
import { type FlagName, type FlagValue, flag } from './flags.ts';
import type { Invocation } from './invocation.ts';
import { runLab } from './lab.ts';
import { type Options, readOptions } from './options.ts';
import { type Judge, judgeCall } from './outcome.ts';
import { checkSecure } from './secure-target.ts';
import { readSetting } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** How long a phone may ring, in s (RFC 3261 §16.6 no. 11, Timer C). */
const RING_S = 180;
/** Everything before and after the ringing: a silent server's 64·T1, redirections, a CANCEL. */
const AROUND_MS = 120_000;
/** A session description is a page, not a book. */
const LONGEST_SDP = 60_000;

type CallTask = Extract<Task, { type: 'call' }>;

export async function run(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const options = readOptions(flags, { ...invocation, takes: takenBy(invocation) }, 'udp');
  const task = await callTask(invocation, options);
  const foreground = flags.has('foreground');
  const screen = flags.has('screen');
  if (screen) checkScreen(invocation);
  let handle: string | undefined;
  const ringMs = task.ringTimeoutMs ?? RING_S * 1000;
  const [account] = options.accounts;
  if (foreground && account === undefined && task.from !== undefined) {
    throw new UsageError(
      `--from ${task.from} with --foreground: this process has no account of the agent's. Give --user, --server and a password, or leave out --foreground.`,
    );
  }
  const code = await runLab(
    invocation,
    options,
    carrierFor(invocation, options),
    async ({ carrier, follow }) => {
      // Credentials that were given here are for this call; an account that is registered under that address stays.
      if (account !== undefined) {
        const given: Task = { type: 'add-account', account, register: false };
        await carrier.begin(given, undefined, () => {}).then(({ end }) => end());
      }
      return follow({
        task:
          account === undefined || task.from !== undefined
            ? task
            : { ...task, from: account.addressOfRecord },
        judge: noting(judgeCall(foreground), (call) => {
          handle ??= call;
        }),
        awaited: `an answer of ${task.to}`,
        ...(foreground ? {} : { limitMs: ringMs + AROUND_MS }),
        undo: hangupOf,
      });
    },
  );
  if (!screen || code !== EXIT.done || handle === undefined) return code;
  return attachTo(invocation.variables, handle);
}

/** A screen is on the agent's call, and on a terminal. */
function checkScreen({ flags }: Invocation): void {
  for (const name of ['foreground', 'json', 'plain'] as const) {
    if (flags.has(name)) throw new UsageError(`--screen and --${name} are both given: choose one.`);
  }
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
    throw new UsageError('--screen needs a terminal.');
  }
}

/** The judge, and the handle of the call as soon as it is known. */
function noting(judge: Judge, note: (handle: string) => void): Judge {
  return {
    ...judge,
    take(event) {
      if (event.type === 'call.changed') note(event.call);
      return judge.take(event);
    },
  };
}

/** An account in the environment is that of register, unless this call stands on its own: it says who, or has no agent. */
function takenBy({ flags, takes, variables }: Invocation): readonly FlagName[] {
  if (flags.has('user') || (flags.has('foreground') && variables.SIP_USER !== undefined)) return takes;
  return takes.filter((name) => flag(name).group !== 'account' || name === 'proxy' || name === 'transport');
}

function hangupOf(seen: readonly Event[]): Task | undefined {
  const first = seen.find((event) => event.type === 'call.changed');
  return first === undefined ? undefined : { type: 'hangup', call: first.call };
}

/** What the flags say, checked; files are read or looked for here, because the agent lives in another folder. */
async function callTask(invocation: Invocation, options: Options): Promise<CallTask> {
  const given = <N extends FlagName>(name: N): FlagValue<N> | undefined => {
    const text = invocation.flags.get(name);
    return text === undefined ? undefined : readSetting(name, text).value;
  };
  const to = given('to');
  if (to === undefined) throw new UsageError('ringback call needs --to: whom to call?');
  const from = given('from');
  const sdpFile = given('sdp-file');
  const lateOffer = given('invite-without-sdp');
  if (sdpFile !== undefined && lateOffer === true) {
    throw new UsageError('--sdp-file and --invite-without-sdp are both given: send one or none?');
  }
  const seconds = { ring: given('ring-timeout'), duration: given('duration') };
  const optional = {
    from: from === undefined ? undefined : userText(from),
    proxy: options.proxy,
    play: playedFile(given('play'), invocation.folder),
    record: recordedFile(given('record'), invocation.folder),
    dtmf: given('dtmf')?.replace(/[a-d]/g, (key) => key.toUpperCase()),
    headers: given('header')?.map(([name, value]): [string, string] => [name, value]),
    sdp: sdpFile === undefined ? undefined : readSdp(resolve(invocation.folder, sdpFile)),
    lateOffer,
    ringTimeoutMs: seconds.ring === undefined ? undefined : seconds.ring * 1000,
    durationMs: seconds.duration === undefined ? undefined : seconds.duration * 1000,
  };
  const set = Object.entries(optional).filter(([, value]) => value !== undefined);
  checkSecure(to, given('transport'));
  return { type: 'call', to: overTransport(to, given('transport')), ...Object.fromEntries(set) };
}

function userText({ name, domain }: FlagValue<'from'>): string {
  return domain === undefined ? name : `${name}@${domain}`;
}

/** Without an account the URI says how it is reached (§19.1.1); with one it is the account's server that is. */
function overTransport(to: string, transport: Transport | undefined): string {
  if (transport === undefined || /;transport=|^sips:/i.test(to) || !/[@:.]/.test(to)) return to;
  return `${/^sips?:/i.test(to) ? '' : 'sip:'}${to};transport=${transport}`;
}

function playedFile(play: FlagValue<'play'> | undefined, folder: string): CallTask['play'] | undefined {
  if (play?.type !== 'file') return play;
  const path = resolve(folder, play.path);
  const problem = playProblem(path);
  if (problem !== undefined) {
    throw new UsageError(`--play "${play.path}": ${problem} (tone and silence need no file).`);
  }
  return { type: 'file', path };
}

/** Where the media thread is to write, if it can: better said now than when somebody has answered. */
function recordedFile(record: string | undefined, folder: string): string | undefined {
  if (record === undefined) return undefined;
  const path = resolve(folder, record);
  const problem = recordProblem(path);
  if (problem !== undefined) throw new UsageError(`--record "${record}": ${problem}.`);
  return path;
}

function readSdp(path: string): string {
  let sdp: string;
  try {
    sdp = readFileSync(path, 'latin1');
  } catch (error) {
    throw new UsageError(`--sdp-file ${JSON.stringify(path)}: ${describeFileError(error)}.`);
  }
  if (sdp.length > 0 && sdp.length <= LONGEST_SDP) return sdp;
  throw new UsageError(`--sdp-file: ${path} has ${sdp.length} bytes, expected 1 to ${LONGEST_SDP}.`);
}
