/**
 * The agent's end of the control socket: commands connect, begin things, and hear the events of them.
 *
 * A client that does not read is let go, and so is one that says what is no request: the endpoint serves telephones
 * first.
 */
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { Event } from '../events.ts';
import { AgentError } from './agent-error.ts';
import { LONGEST_LINE, type Lost, numbered, type Reply, request } from './control-message.ts';
import type { Exchange, Host } from './host.ts';
import { LineTooLong, lineSplitter } from './line-splitter.ts';

/** Clients at once, and things that one of them has begun. */
const MAX_CLIENTS = 64;
const MAX_EXCHANGES = 64;
/** Bytes that may wait for a client that does not read. */
const MAX_WAITING = 8 * 1024 * 1024;

/** A socket that listens. */
export interface ControlServer {
  readonly clients: number;
  /** Tells every client nothing more, and removes the socket. */
  close(): void;
}

/** Where it listens, and whom it serves. */
export interface ControlServerOptions {
  readonly path: string;
  readonly host: Host;
  /** What later commands cannot change: told to all. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What the agent before this one left behind: told to the first client. */
  readonly lost?: Lost;
  /** Somebody asks for the end. */
  readonly onStop: (reason: string) => void;
  /** A client came or went. */
  readonly onClients: () => void;
}

/** Listens there. A file in the way is removed: whoever calls this has made sure that nobody answers on it. */
export async function serveControl(options: ControlServerOptions): Promise<ControlServer> {
  const { path, onClients } = options;
  const clients = new Set<Socket>();
  let { lost } = options;
  const server = createServer((socket) => {
    if (clients.size >= MAX_CLIENTS) return void socket.destroy();
    clients.add(socket);
    serveClient(socket, options, lost, () => clients.size === 1);
    lost = undefined;
    socket.on('close', () => {
      clients.delete(socket);
      onClients();
    });
    onClients();
  });
  rmSync(path, { force: true });
  // The mode of the socket, from its first moment on: nobody else may connect.
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(mask);
  }
  server.on('error', () => {});
  return {
    get clients() {
      return clients.size;
    },
    close() {
      server.close();
      rmSync(path, { force: true });
      for (const socket of clients) socket.end();
    },
  };
}

function serveClient(
  socket: Socket,
  options: ControlServerOptions,
  lost: Lost | undefined,
  isAlone: () => boolean,
): void {
  const { host, settings } = options;
  const exchanges = new Map<number, Exchange>();
  const split = lineSplitter(LONGEST_LINE);
  const send = (reply: Reply) => {
    if (socket.destroyed) return;
    if (socket.writableLength > MAX_WAITING) return void socket.destroy();
    socket.write(`${JSON.stringify(reply)}\n`);
  };
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('close', () => {
    for (const exchange of exchanges.values()) exchange.end();
    exchanges.clear();
  });
  socket.on('data', (chunk: string) => {
    try {
      for (const line of split(chunk)) take(line);
    } catch (error) {
      if (!(error instanceof LineTooLong || error instanceof SyntaxError)) throw error;
      socket.destroy();
    }
  });
  const { version, kind, pid } = host;
  const about = { ...(settings === undefined ? {} : { settings }), ...(lost === undefined ? {} : { lost }) };
  send({ type: 'hello', version, kind, pid, ...about });

  function take(line: string): void {
    const said: unknown = JSON.parse(line);
    const read = request.safeParse(said);
    if (!read.success) {
      const message = `this request is not understood here (${read.error.issues[0]?.message ?? 'unknown'})`;
      send({ type: 'refused', id: numbered.safeParse(said).data?.id ?? 0, message, exitCode: 1 });
      return;
    }
    const { data } = read;
    switch (data.type) {
      case 'begin':
        return begin(data);
      case 'end':
        exchanges.get(data.id)?.end();
        exchanges.delete(data.id);
        return;
      case 'status':
        return send({ type: 'status', id: data.id, status: host.status() });
      case 'stop':
        send({ type: 'stopping', id: data.id });
        return options.onStop(data.reason);
      case 'retire':
        if (!host.idle || !isAlone()) return send({ type: 'kept', id: data.id });
        send({ type: 'stopping', id: data.id });
        return options.onStop(data.reason);
    }
  }

  function begin({ id, task, seed }: Extract<ReturnType<typeof request.parse>, { type: 'begin' }>): void {
    if (exchanges.size >= MAX_EXCHANGES || exchanges.has(id)) return void socket.destroy();
    try {
      const onEvent = (event: Event) => send({ type: 'event', id, event });
      exchanges.set(id, host.begin(task, seed, onEvent));
      send({ type: 'begun', id });
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      send({ type: 'refused', id, message: error.message, exitCode: error.exitCode });
    }
  }
}
