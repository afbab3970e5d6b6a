/**
 * What goes over the control socket: one JSON object a line, both ways. Written once as zod types, because both ends
 * are programs that may be of different versions.
 *
 * The server speaks first, with `hello`. `hello`, `stop` and `stopping` stay as they are in every version, so that a
 * new command can always end an old agent.
 */
import { z } from 'zod';
import { streamEvent } from '../events.ts';

/** A line of a client, in characters. */
export const LONGEST_LINE = 512 * 1024;
/** A line of the server: the status of thousands of calls is the longest. */
export const LONGEST_REPLY = 16 * 1024 * 1024;
/** What a stranger wrote, as it stands in a status, in characters. */
export const LONGEST_TOLD = 256;

const text = z.string().max(4096);
const id = z.int().min(0);
const port = z.int().min(0).max(65_535);
const transport = z.enum(['udp', 'tcp', 'tls']);
const nextHop = z.object({
  host: text,
  port,
  transport,
  open: z.enum(['transport', 'port']).exactOptional(),
  explicit: z.literal(true).exactOptional(),
  domain: text.exactOptional(),
});

const account = z.object({
  addressOfRecord: text,
  user: text,
  domain: text,
  authUser: text,
  password: text,
  server: nextHop,
  proxy: nextHop.exactOptional(),
  expiresS: z.int().min(0),
});

const call = z.object({
  type: z.literal('call'),
  to: text,
  from: text.exactOptional(),
  proxy: z
    .object({
      host: text,
      port: z.int().min(1).max(65_535).exactOptional(),
      transport: transport.exactOptional(),
      secure: z.literal(true).exactOptional(),
    })
    .exactOptional(),
  play: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('tone') }),
      z.object({ type: z.literal('silence') }),
      z.object({ type: z.literal('file'), path: text }),
    ])
    .exactOptional(),
  record: text.exactOptional(),
  dtmf: text.exactOptional(),
  headers: z
    .array(z.tuple([text, text]))
    .max(64)
    .exactOptional(),
  sdp: z.string().max(65_536).exactOptional(),
  lateOffer: z.boolean().exactOptional(),
  ringTimeoutMs: z.number().min(0).exactOptional(),
  durationMs: z.number().min(0).exactOptional(),
});

/** What a command may ask an endpoint to begin. */
export const task = z.discriminatedUnion('type', [
  call,
  z.object({ type: z.literal('hangup'), call: text }),
  z.object({ type: z.literal('hangup-all') }),
  z.object({ type: z.enum(['hold', 'resume']), call: text }),
  z.object({ type: z.literal('add-account'), account, register: z.boolean().exactOptional() }),
  z.object({ type: z.literal('remove-account'), account: text }),
  z.object({ type: z.literal('register') }),
  /** Everything that happens, after what there is already. */
  z.object({ type: z.literal('watch') }),
]);
/** What a command begins. */
export type Task = z.infer<typeof task>;

const word = z.int().min(0).max(0xffff_ffff);
/** The identifiers of what begins, made repeatable. */
const seed = z.tuple([word, word, word, word]);
/** Four words of 32 bits. */
export type Seed = z.infer<typeof seed>;

/** A line of a client. */
export const request = z.discriminatedUnion('type', [
  /** The events of what this begins come back until `end`, or until it is over. */
  z.object({ type: z.literal('begin'), id, task, seed: seed.exactOptional() }),
  /** No more events of that `begin`. A call that is not established yet is hung up: nobody waits for it. */
  z.object({ type: z.literal('end'), id }),
  z.object({ type: z.literal('status'), id }),
  z.object({ type: z.literal('stop'), id, reason: text }),
  /** The same, refused while anything is held or anybody else is there. */
  z.object({ type: z.literal('retire'), id, reason: text }),
]);
/** What a client may say. */
export type Request = z.infer<typeof request>;

/** What a line must have for its refusal to find whoever waits for it, when nothing else of it is understood. */
export const numbered = z.object({ id });

/** What an endpoint holds, for `ringback status --json`. */
export const status = z.object({
  kind: z.enum(['agent', 'echo']),
  pid: z.int(),
  version: text,
  startedAt: text.describe('ISO 8601, UTC'),
  listeners: z.array(z.object({ transport, address: text, port })),
  registrations: z.array(
    z.object({
      account: text,
      state: text,
      expiresS: z.int().exactOptional().describe('as it was granted'),
      sinceS: z.number().describe('in this state'),
      reason: text.exactOptional(),
    }),
  ),
  calls: z.array(
    z.object({
      call: text,
      direction: z.enum(['incoming', 'outgoing']),
      peer: text,
      state: text,
      sinceS: z.number().describe('since it began'),
      codec: text.exactOptional(),
      audioPort: port.exactOptional().describe('ours; RTCP on the next one'),
      packetsReceived: z.int().exactOptional(),
      packetsSent: z.int().exactOptional(),
    }),
  ),
});
export type Status = z.infer<typeof status>;

/** What an agent that was killed held. */
export const lost = z.object({ pid: z.int(), accounts: z.array(text), calls: z.array(text) });
export type Lost = z.infer<typeof lost>;

/** A line of the server. */
export const reply = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    version: text,
    kind: z.enum(['agent', 'echo']),
    pid: z.int(),
    settings: z
      .record(text, text)
      .exactOptional()
      .describe('what it was started with and later commands cannot change, by flag'),
    lost: lost.exactOptional().describe('said once: what the agent before this one left behind'),
  }),
  z.object({ type: z.literal('begun'), id }),
  z.object({ type: z.literal('refused'), id, message: text, exitCode: z.int().min(1).max(255) }),
  z.object({ type: z.literal('event'), id, event: streamEvent }),
  z.object({ type: z.literal('status'), id, status }),
  z.object({ type: z.literal('stopping'), id }),
  z.object({ type: z.literal('kept'), id }),
]);
/** What the server says. */
export type Reply = z.infer<typeof reply>;
