/**
 * SIPp as the callee: what it does is written as steps, which become a SIPp scenario in the lab's folder. A call is
 * the same everywhere but for a line or two, and these lines are the claim. The verdict is SIPp's exit code.
 */
import { join } from 'node:path';
import { type Lab, type Peer, untilBound } from './lab.ts';
import { type SippTransport, sippPassed, startSippWith } from './sipp.ts';

/** One step of the callee, as SIPp's XML. */
export type Step = string;

/** What a message to be received has to have, and must not have: extended regular expressions on all of it. */
export interface Expected {
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
  /** It may stay away. */
  readonly optional?: boolean;
  readonly limitMs?: number;
}

/** What a response of the callee says beyond its status. */
export interface Said {
  /** Of its To: a fork each. */
  readonly tag?: string;
  readonly headers?: readonly string[];
  /** The answer, or in a late offer the offer; G.711 at SIPp's media port when true. */
  readonly sdp?: boolean | string;
  /** No Contact, no body: as it is. */
  readonly raw?: readonly string[];
}

const SDP = [
  'v=0',
  'o=uas 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio [media_port] RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
].join('\n');

const TAG = 'callee';
const CONTACT = 'Contact: <sip:callee@[local_ip]:[local_port];transport=[transport]>';

let variables = 0;

function actions(expected: Expected): string {
  const lines = [
    ...(expected.has ?? []).map((pattern) => ({ pattern, attribute: 'check_it' })),
    ...(expected.lacks ?? []).map((pattern) => ({ pattern, attribute: 'check_it_inverse' })),
  ].map(({ pattern, attribute }) => {
    const name = `v${++variables}`;
    const escaped = pattern.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
    return `<ereg regexp="${escaped}" search_in="msg" ${attribute}="true" assign_to="${name}"/>`;
  });
  return lines.join('');
}

/** A request comes. Of an INVITE its Via, CSeq, From and To are kept: later steps answer it, or send in its dialog. */
export function gets(method: string, expected: Expected = {}): Step {
  const optional = expected.optional === true ? ' optional="true"' : '';
  const timeout = expected.limitMs === undefined ? '' : ` timeout="${expected.limitMs}"`;
  const kept =
    method === 'INVITE'
      ? ['Via', 'CSeq', 'From', 'To']
          .map((name) => `<ereg regexp=".*" search_in="hdr" header="${name}:" assign_to="${name}"/>`)
          .join('')
      : '';
  const action = `<action>${kept}${actions(expected)}</action>`;
  return `<recv request="${method}" rrs="true"${optional}${timeout}>${action}</recv>`;
}

/** A response to a request of the callee's comes. */
export function hears(status: number, expected: Expected = {}): Step {
  const optional = expected.optional === true ? ' optional="true"' : '';
  return `<recv response="${status}"${optional}><action>${actions(expected)}</action></recv>`;
}

/** So long nothing, in ms. */
export const waits = (ms: number): Step => `<pause milliseconds="${ms}"/>`;

function message(lines: readonly string[], sdp: boolean | string | undefined, retransmit = false): Step {
  const text = sdp === true ? SDP : sdp === undefined || sdp === false ? '' : sdp;
  const type = text === '' ? [] : ['Content-Type: application/sdp'];
  const whole = [...lines, ...type, 'Content-Length: [len]', '', text].map((line) =>
    line.replaceAll('\n', '\n      '),
  );
  const repeated = retransmit ? ' retrans="500"' : '';
  return `<send${repeated}><![CDATA[\n\n      ${whole.join('\n      ')}\n\n    ]]></send>`;
}

/** A response to the INVITE. */
export function answers(status: string, said: Said = {}): Step {
  const tag = status.startsWith('100') ? '' : `;tag=${said.tag ?? TAG}`;
  const contact = /^(1[1-9]|2)/.test(status) ? [CONTACT] : [];
  const lines = ['Via:[$Via]', 'From:[$From]', `To:[$To]${tag}`, 'Call-ID: [call_id]', 'CSeq:[$CSeq]'];
  return message(
    [`SIP/2.0 ${status}`, ...(said.raw ?? [...lines, ...contact, ...(said.headers ?? [])])],
    said.sdp,
  );
}

/** A response to the request that came last, whatever it was. */
export function replies(status: string, said: Said = {}): Step {
  const lines = ['[last_Via:]', '[last_From:]', '[last_To:]', '[last_Call-ID:]', '[last_CSeq:]'];
  return message([`SIP/2.0 ${status}`, ...lines, CONTACT, ...(said.headers ?? [])], said.sdp);
}

/** A request of the callee in the dialog of the INVITE. */
export function asks(method: string, cseq: number, said: Said & { readonly toTag?: string } = {}): Step {
  const to = said.toTag === undefined ? 'To:[$From]' : `To: <sip:[service]@[remote_ip]>;tag=${said.toTag}`;
  return message(
    [
      `${method} [next_url] SIP/2.0`,
      'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
      `From:[$To];tag=${said.tag ?? TAG}`,
      to,
      'Call-ID: [call_id]',
      `CSeq: ${cseq} ${method}`,
      'Max-Forwards: 70',
      ...(method === 'ACK' ? [] : [CONTACT]),
      ...(said.headers ?? []),
    ],
    said.sdp,
    method !== 'ACK',
  );
}

/** The rest of a call that the caller ends. */
export const ended: readonly Step[] = [gets('BYE'), replies('200 OK')];

/** A running callee, at a port of its own. */
export interface Uas {
  readonly port: number;
  readonly peer: Peer;
  /** Its verdict. */
  passed(): Promise<void>;
}

/** Starts SIPp with those steps, for one call. */
export async function startUas(
  lab: Lab,
  transport: SippTransport,
  steps: readonly Step[],
  options: { readonly limitS?: number; readonly args?: readonly string[] } = {},
): Promise<Uas> {
  const { limitS = 20, args = [] } = options;
  const used = [...steps.join('').matchAll(/assign_to="(\w+)"/g)].map(([, name]) => name);
  const names = [...new Set(used)].join(',');
  const reference = names === '' ? '' : `<Reference variables="${names}"/>`;
  const file = join(lab.dir, 'uas.xml');
  const head = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">';
  await Bun.write(file, `${head}\n<scenario name="uas">\n${steps.join('\n')}\n${reference}\n</scenario>\n`);
  const port = lab.port();
  const peer = startSippWith(lab, 'uas', ['-sf', file], { transport, port, limitS, args });
  await untilBound(peer, transport, port);
  return { port, peer, passed: () => sippPassed(lab, peer, limitS + 5) };
}
