/**
 * The engine as `doctor` uses it: an endpoint in this process whose pings and queries are promises, and which keeps
 * what went over the wire, for the checks that read it.
 */
import type { Event, EventOf } from '../events.ts';
import { type Running, start } from '../io/driver.ts';
import type { Account } from '../sip/endpoint-config.ts';
import { formatAddress, type ServerHop, type SocketAddress } from '../sip/flow.ts';
import { labDriverOptions } from './driver-options.ts';
import type { Options } from './options.ts';

/** One message, and our wall time when it passed. */
export interface Message {
  readonly event: EventOf<'sip.sent' | 'sip.received'>;
  readonly wallMs: number;
}

type Pinged = EventOf<'ping.answered'>;
type Queried = EventOf<'registration.queried'>;

/** What a STUN server said of our UDP socket, or why it said nothing. */
export type StunAnswer = { readonly mapped: SocketAddress } | { readonly failure: string };

/** A running endpoint. */
export interface Session {
  readonly sipPort: number;
  readonly messages: readonly Message[];
  /** What came of connections over TLS, and what was wrong. */
  readonly secured: readonly EventOf<'connection.secured'>[];
  readonly diagnoses: readonly EventOf<'diagnosis.raised'>[];
  /** What `--stun` came to. */
  stun(limitMs: number): Promise<StunAnswer>;
  /** Asks `to` with OPTIONS at that server. */
  ping(to: string, server: ServerHop, timeoutMs: number): Promise<Pinged>;
  /** Asks the registrar at that server what is bound for the account. */
  query(account: Account, server: ServerHop, timeoutMs: number): Promise<Queried>;
  stop(): Promise<void>;
}

/** Messages that are kept: more than a doctor's handful of requests can bring, unless somebody floods. */
const MAX_MESSAGES = 500;

/** Starts it on that port. Throws as `start` does. */
export async function openSession(
  options: Options,
  sipPort: number,
  onEvent: (event: Event) => void,
): Promise<Session> {
  const messages: Message[] = [];
  const secured: EventOf<'connection.secured'>[] = [];
  const diagnoses: EventOf<'diagnosis.raised'>[] = [];
  const stun = Promise.withResolvers<StunAnswer>();
  const waiting: { readonly key: string; readonly done: (event: Pinged | Queried) => void }[] = [];
  const take = (event: Pinged | Queried) => {
    const key = `${event.type} ${event.transport} ${event.remote}`;
    const at = waiting.findIndex((one) => one.key === key);
    if (at >= 0) waiting.splice(at, 1)[0]?.done(event);
  };
  const running: Running = await start({
    ...labDriverOptions(options, (event) => {
      const isMessage = event.type === 'sip.sent' || event.type === 'sip.received';
      if (isMessage && messages.length < MAX_MESSAGES) messages.push({ event, wallMs: Date.now() });
      if (event.type === 'connection.secured' && secured.length < MAX_MESSAGES) secured.push(event);
      if (event.type === 'diagnosis.raised' && diagnoses.length < MAX_MESSAGES) diagnoses.push(event);
      const answer = stunAnswer(event);
      if (answer !== undefined) stun.resolve(answer);
      if (event.type === 'ping.answered' || event.type === 'registration.queried') take(event);
      onEvent(event);
    }),
    sipPort,
    mediaThreads: 0,
  });
  const answerOf = <E extends Pinged | Queried>(type: E['type'], server: ServerHop) =>
    new Promise<E>((resolve) => {
      const key = `${type} ${server.transport} ${formatAddress(server)}`;
      waiting.push({ key, done: (event) => resolve(event as E) });
    });
  return {
    sipPort: running.sipPort,
    messages,
    secured,
    diagnoses,
    stun(limitMs) {
      const late = { failure: `no answer in ${Math.round(limitMs / 100) / 10} s` };
      setTimeout(() => stun.resolve(late), limitMs).unref();
      return stun.promise;
    },
    ping(to, server, timeoutMs) {
      const answer = answerOf<Pinged>('ping.answered', server);
      running.act({ type: 'ping', to, server, timeoutMs });
      return answer;
    },
    query(account, server, timeoutMs) {
      const answer = answerOf<Queried>('registration.queried', server);
      running.act({ type: 'add-account', account, register: false });
      running.act({ type: 'query-bindings', account: account.addressOfRecord, server, timeoutMs });
      return answer;
    },
    async stop() {
      running.act({ type: 'stop', reason: 'checked' });
      await running.stopped;
    },
  };
}

function stunAnswer(event: Event): StunAnswer | undefined {
  if (event.type === 'address.discovered' && event.learnedBy === 'stun' && event.port !== undefined) {
    return { mapped: { address: event.address, port: event.port } };
  }
  const failed = event.type === 'diagnosis.raised' && event.code.startsWith('stun-');
  return failed ? { failure: event.evidence } : undefined;
}
