/**
 * A SIP ALG: a router that reads SIP and writes other addresses into it. What a server sends back of our request
 * (Via, From, To, Call-ID, CSeq: RFC 3261 §8.2.6.2) has to be what we sent, apart from what §18.2.1, RFC 3581 and the
 * To tag add to it.
 */
import { formatAddress, type SocketAddress } from '../sip/flow.ts';
import { type Finding, listed } from './check.ts';

/** One request of ours and what came back of it. */
export interface Exchange {
  readonly remote: SocketAddress;
  readonly sent: string;
  /** Responses from there, also those that fit no request any more. */
  readonly received: readonly string[];
}

/** What an ALG could be seen by. */
export interface AlgFacts {
  readonly exchanges: readonly Exchange[];
  /** Servers at a public address that say they saw us at this private one. */
  readonly privateSightings: readonly { readonly by: SocketAddress; readonly seen: SocketAddress }[];
  /** Where we are seen over a stream, or by a STUN server: an ALG seldom writes there, and cannot over TLS. */
  readonly seenOtherwise?: readonly string[] | undefined;
}

/** Field names whose values come back, with their short forms (§7.3.3). */
const COPIED = [
  ['Via', 'v'],
  ['From', 'f'],
  ['To', 't'],
  ['Call-ID', 'i'],
  ['CSeq', undefined],
] as const;

/** Whether somebody in between writes in our messages. */
export function judgeAlg({ exchanges, privateSightings, seenOtherwise = [] }: AlgFacts): Finding | undefined {
  const check = 'sip-alg';
  const heard = exchanges.filter(({ received }) => received.length > 0);
  if (heard.length === 0) return undefined;
  const altered = heard.flatMap(({ remote, sent, received }) =>
    received.flatMap((response) =>
      alterations(sent, response).map((what) => `${formatAddress(remote)}: ${what}`),
    ),
  );
  const advice = {
    cause: 'a router on the way has a SIP ALG ("SIP helper", "SIP passthrough") that rewrites messages',
    next: 'turn the SIP ALG off in the router, or use TCP, or TLS, which it cannot read',
  } as const;
  if (altered.length > 0) {
    return { check, verdict: 'warning', evidence: listed([...new Set(altered)], 3), ...advice };
  }
  const [sighting] = privateSightings;
  if (sighting !== undefined) {
    const evidence = `${formatAddress(sighting.by)} is a public address and says it sees us at ${formatAddress(sighting.seen)}, a private one`;
    // A network may use public addresses inside and route to them without a NAT.
    const other = seenOtherwise.find((address) => address !== sighting.seen.address);
    if (other === undefined) return { check, verdict: 'note', evidence: `${evidence}: an ALG, or no NAT` };
    return {
      check,
      verdict: 'warning',
      evidence: `${evidence}; otherwise we are seen at ${other}`,
      ...advice,
    };
  }
  const count = heard.length === 1 ? 'the answer has' : `${heard.length} answers have`;
  return { check, verdict: 'ok', evidence: `${count} Via, From, To, Call-ID and CSeq as they were sent` };
}

/** What came back otherwise than it was sent: `Via was "…", came back as "…"`. */
export function alterations(sent: string, received: string): readonly string[] {
  return COPIED.flatMap(([name, short]) => {
    const [was, is] = [firstValue(sent, name, short), firstValue(received, name, short)];
    if (was === undefined || is === undefined) return [];
    if (comparable(name, was, true) === comparable(name, is, false)) return [];
    return [`${name} went as "${was}" and came back as "${is}"`];
  });
}

/** The first field of that name or its short form, of Via the first value; read as text, as an ALG may have damaged it. */
export function firstValue(message: string, name: string, short: string | undefined): string | undefined {
  const head = message.split(/\r?\n\r?\n/, 1)[0] ?? '';
  const names = short === undefined ? name : `(?:${name}|${short})`;
  const found = new RegExp(`^${names}[ \\t]*:[ \\t]*(.*)$`, 'im').exec(head)?.[1]?.trim();
  if (name !== 'Via') return found;
  return found?.split(/,(?![^<"]*[>"])/, 1)[0]?.trim();
}

/** Without what a server adds by right: received and rport to Via, a tag to To; and without optional white space. */
function comparable(name: string, text: string, own: boolean): string {
  const bare = text.replace(/\s*([;=/,<>])\s*/g, '$1').replace(/\s+/g, ' ');
  if (name === 'To' && !own) return bare.replace(/;tag=[^;>\s]+(?=[^>]*$)/i, '');
  if (name !== 'Via') return bare;
  const [by = '', ...params] = bare.split(';');
  const kept = params.filter((one) => !/^(?:received|rport)(?:=|$)/i.test(one));
  // The order of parameters says nothing (§7.3.1).
  return [by.toLowerCase().replace(/:5060$/, ''), ...kept.toSorted()].join(';');
}
