/**
 * A call that a test plays by hand on a `VirtualPeer` (RFC 3261 §12.2.1, §13.2): it keeps the tags and the numbers,
 * and sends each request only when it is told to.
 */
import type { Flow, SocketAddress } from '../sip/flow.ts';
import { type SipResponse, value } from '../sip/message.ts';
import type { HeaderLine } from '../sip/serialize-message.ts';
import type { Heard, VirtualPeer } from './virtual-peer.ts';

/** What an offer says; the rest is the same in all of them. */
export interface OfferText {
  readonly address?: string;
  readonly port?: number;
  readonly direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  /** Formats and their a=rtpmap, the telephone-event of 101 included when it is wanted. */
  readonly codecs?: Readonly<Record<number, string>>;
}

/** A session description as a plain phone offers it (RFC 8866). */
export function offerText({
  address = '192.0.2.20',
  port = 30_000,
  direction = 'sendrecv',
  codecs = { 0: 'PCMU/8000', 8: 'PCMA/8000', 101: 'telephone-event/8000' },
}: OfferText = {}): string {
  const formats = Object.keys(codecs);
  return [
    'v=0',
    `o=phone 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${formats.join(' ')}`,
    ...formats.map((format) => `a=rtpmap:${format} ${codecs[Number(format)]}`),
    `a=${direction}`,
    '',
  ].join('\r\n');
}

/** Calls played so far: each has identifiers of its own, the same in every run of a test. */
let played = 0;

export class VirtualCaller {
  readonly callId: string;
  readonly fromTag: string;
  /** CSeq of the last request but ACK and CANCEL. */
  sequence = 0;
  private branches = 0;
  private inviteBranch = '';
  private inviteSequence = 0;
  /** The Contact, when it is not the phone's own address. */
  contact: string | undefined;
  /** Further fields of every INVITE. */
  inviteHeaders: readonly HeaderLine[] = [];

  constructor(
    private readonly peer: VirtualPeer,
    /** Where requests go; a test may move it in the middle of a call. */
    public to: SocketAddress | Flow,
    private readonly uri = 'sip:echo@192.0.2.10',
  ) {
    played += 1;
    this.callId = `played-${played}`;
    this.fromTag = `from-${played}`;
  }

  /** An INVITE; in the dialog once there is one. An empty body offers nothing. */
  invite(offer: string = offerText(), headers: readonly HeaderLine[] = []): void {
    this.sequence += 1;
    this.inviteSequence = this.sequence;
    this.inviteBranch = this.newBranch();
    const type: HeaderLine[] = offer === '' ? [] : [['Content-Type', 'application/sdp']];
    this.send(
      'INVITE',
      this.inviteBranch,
      this.sequence,
      [...type, ...this.inviteHeaders, ...headers],
      offer,
    );
  }

  /** The last INVITE again, byte by byte the same. */
  inviteAgain(offer: string = offerText()): void {
    const type: HeaderLine[] = [['Content-Type', 'application/sdp']];
    this.send('INVITE', this.inviteBranch, this.inviteSequence, [...type, ...this.inviteHeaders], offer);
  }

  /** The INVITE by another way: a proxy forked it, so the branch is another one (§8.2.2.2). */
  inviteMerged(offer: string = offerText()): void {
    const headers: HeaderLine[] = [['Content-Type', 'application/sdp'], ...this.inviteHeaders];
    this.send('INVITE', this.newBranch(), this.inviteSequence, headers, offer);
  }

  /**
   * The ACK of the last INVITE: of a 2xx with a branch of its own, of a refusal with the INVITE's. With the answer,
   * when the offer was in the 2xx.
   */
  ack(answer = ''): void {
    const refused = (this.finalStatus() ?? 200) >= 300;
    const type: HeaderLine[] = answer === '' ? [] : [['Content-Type', 'application/sdp']];
    this.send('ACK', refused ? this.inviteBranch : this.newBranch(), this.inviteSequence, type, answer);
  }

  /** The CANCEL of the last INVITE (§9.1): its branch, no To tag. */
  cancel(headers: readonly HeaderLine[] = []): void {
    this.send('CANCEL', this.inviteBranch, this.inviteSequence, headers, '', false);
  }

  /** Any other request in the dialog. */
  request(method: string, headers: readonly HeaderLine[] = [], body = ''): void {
    this.sequence += 1;
    this.send(method, this.newBranch(), this.sequence, headers, body);
  }

  bye(): void {
    this.request('BYE');
  }

  /** The responses of this call to that method, retransmissions and all. */
  responses(method: string): (Heard & { readonly message: SipResponse })[] {
    return this.peer.responses(method).filter(({ message }) => value(message, 'Call-ID') === this.callId);
  }

  /** Their statuses, a retransmission once. */
  statuses(method = 'INVITE'): number[] {
    const seen = this.responses(method).map(({ message }) => `${value(message, 'CSeq')} ${message.status}`);
    return [...new Set(seen)].map((text) => Number(text.split(' ')[2]));
  }

  /** The final status of the last INVITE. */
  finalStatus(): number | undefined {
    return this.finalResponse()?.status;
  }

  /** The final response to the last INVITE. */
  finalResponse(): SipResponse | undefined {
    const cseq = `${this.inviteSequence} INVITE`;
    return this.responses('INVITE')
      .map(({ message }) => message)
      .find((message) => message.status >= 200 && value(message, 'CSeq') === cseq);
  }

  /** The session description of that. */
  answer(): string {
    const response = this.finalResponse();
    return response === undefined ? '' : response.body;
  }

  /** The tag that the other side gave us; it may still be early. */
  get toTag(): string | undefined {
    for (const { message } of this.responses('INVITE')) {
      if (message.status === 100) continue;
      const tag = /;tag=([^;>]+)/.exec(value(message, 'To') ?? '')?.[1];
      if (tag !== undefined) return tag;
    }
    return undefined;
  }

  private newBranch(): string {
    this.branches += 1;
    return `z9hG4bK-${this.callId}-${this.branches}`;
  }

  private send(
    method: string,
    branch: string,
    sequence: number,
    headers: readonly HeaderLine[],
    body = '',
    tagged = true,
  ): void {
    const { peer, toTag } = this;
    const { address, port } = peer.local;
    const transport = 'transport' in this.to ? this.to.transport : 'udp';
    const to = tagged && toTag !== undefined ? `;tag=${toTag}` : '';
    const suffix = transport === 'udp' ? '' : `;transport=${transport}`;
    peer.request(
      this.to,
      method,
      this.uri,
      [
        ['Via', `SIP/2.0/${transport.toUpperCase()} ${address}:${port};rport;branch=${branch}`],
        ['Max-Forwards', '70'],
        ['From', `"Anna" <sip:anna@example.org>;tag=${this.fromTag}`],
        ['To', `<${this.uri}>${to}`],
        ['Call-ID', this.callId],
        ['CSeq', `${sequence} ${method}`],
        ['Contact', this.contact ?? `<sip:anna@${address}:${port}${suffix}>`],
        ...headers,
      ],
      body,
    );
  }
}
