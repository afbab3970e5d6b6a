/** A command's end of the control socket: connects, hears who is there, asks. */
import { connect, type Socket } from 'node:net';
import type { Event } from '../events.ts';
import { AgentError } from './agent-error.ts';
import {
  LONGEST_REPLY,
  type Lost,
  type Reply,
  type Request,
  reply,
  type Seed,
  type Status,
  type Task,
} from './control-message.ts';
import { LineTooLong, lineSplitter } from './line-splitter.ts';

/** How long the other end may take to say who it is, and to answer what needs no telephone, in ms. */
const ANSWER_MS = 5_000;

/** Who answered on the socket. */
export type Hello = Extract<Reply, { type: 'hello' }>;

/** A connection to an agent or an echo. */
export interface ControlClient {
  readonly hello: Hello;
  /** Begins it. Resolves once it has begun, rejects with an `AgentError` when it was refused. */
  begin(task: Task, seed: Seed | undefined, onEvent: (event: Event) => void): Promise<{ end(): void }>;
  status(): Promise<Status>;
  /** Asks for the end; resolves when the other end has closed. */
  stop(reason: string): Promise<void>;
  /** The same, where nothing is held and nobody else is connected; false where something is, and nothing has changed. */
  retire(reason: string): Promise<boolean>;
  /** The connection is gone. */
  readonly closed: Promise<void>;
  close(): void;
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** Connects. Undefined when nobody is there: no socket, or one that a dead process left. */
export async function connectControl(path: string): Promise<ControlClient | undefined> {
  const socket = await open(path);
  if (socket === undefined) return undefined;
  const waiting = new Map<number, Waiting>();
  const listeners = new Map<number, (event: Event) => void>();
  const greeted = Promise.withResolvers<Hello | undefined>();
  const gone = Promise.withResolvers<void>();
  let next = 1;
  let fault = 'the agent closed the connection';

  const fail = (why: string) => {
    fault = why;
    socket.destroy();
  };
  const timer = setTimeout(() => fail(`nothing was heard from ${path} for ${ANSWER_MS / 1000} s`), ANSWER_MS);
  const take = (line: string) => {
    const read = reply.safeParse(JSON.parse(line));
    if (!read.success) return fail(`${path} speaks another language (${read.error.issues[0]?.message})`);
    const { data } = read;
    if (data.type === 'hello') {
      clearTimeout(timer);
      return greeted.resolve(data);
    }
    if (data.type === 'event') return listeners.get(data.id)?.(data.event as Event);
    const asked = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.type === 'refused') asked?.reject(new AgentError(data.message, data.exitCode));
    else asked?.resolve(data);
  };
  const split = lineSplitter(LONGEST_REPLY);
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    try {
      for (const line of split(chunk)) take(line);
    } catch (error) {
      if (!(error instanceof LineTooLong || error instanceof SyntaxError)) throw error;
      fail(`${path} speaks another language (${error.message})`);
    }
  });
  socket.on('close', () => {
    clearTimeout(timer);
    greeted.resolve(undefined);
    for (const { reject } of waiting.values()) reject(new AgentError(`In the middle of it ${fault}.`));
    waiting.clear();
    gone.resolve();
  });

  const send = (message: Request) => void socket.write(`${JSON.stringify(message)}\n`);
  const ask = (message: Request): Promise<Reply> => {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    if (socket.destroyed) return Promise.reject(new AgentError(`In the middle of it ${fault}.`));
    waiting.set(message.id, { resolve, reject });
    send(message);
    return promise;
  };
  const hello = await greeted.promise;
  // It was about to leave, or is no agent: for whoever asks, nobody is there.
  if (hello === undefined) return undefined;
  return {
    hello,
    async begin(task, seed, onEvent) {
      const id = next++;
      listeners.set(id, onEvent);
      await ask({ type: 'begin', id, task, ...(seed === undefined ? {} : { seed }) });
      return {
        end() {
          listeners.delete(id);
          if (!socket.destroyed) send({ type: 'end', id });
        },
      };
    },
    async status() {
      const answer = await ask({ type: 'status', id: next++ });
      if (answer.type !== 'status') throw new AgentError(`${path} answered ${answer.type} to status.`);
      return answer.status;
    },
    async stop(reason) {
      await ask({ type: 'stop', id: next++, reason });
      await gone.promise;
    },
    async retire(reason) {
      const answer = await ask({ type: 'retire', id: next++, reason });
      if (answer.type !== 'stopping') return false;
      await gone.promise;
      return true;
    },
    closed: gone.promise,
    close: () => void socket.end(),
  };
}

function open(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      socket.on('error', () => {});
      resolve(socket);
    });
    socket.once('error', (error) => {
      const code = 'code' in error ? error.code : undefined;
      if (code === 'ENOENT' || code === 'ECONNREFUSED') resolve(undefined);
      else reject(new AgentError(`${path} cannot be reached: ${error.message}.`));
    });
  });
}

/** What a client does with an agent of another version: nothing, and says what to do. */
export function checkVersion({ version, kind, pid }: Hello, own: string): void {
  if (version === own) return;
  const way = kind === 'agent' ? 'ringback stop, then the same again' : 'ringback stop, or start it again';
  throw new AgentError(
    `The ${kind} that is running (process ${pid}) is ringback ${version}, and this is ${own}. End it first: ${way}.`,
    2,
  );
}

/** What was lost with the agent before, when this one was the first to hear of it. */
export function lostBefore({ lost }: Hello): Lost | undefined {
  return lost;
}
