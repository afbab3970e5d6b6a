/**
 * A phone behind the lab's proxy, played by a test: it has a user and a password, answers challenges, keeps its
 * dialogs with their route sets (RFC 3261 §12.1, §12.2.1), and does everything else only when it is told to.
 */
import { type Attempt, DigestClient, FIRST_ATTEMPT } from '../auth/credentials.ts';
import type { SocketAddress, Transport } from '../sip/flow.ts';
import { fields, NO_BODY, type SipRequest, type SipResponse, value, values } from '../sip/message.ts';
import type { HeaderLine } from '../sip/serialize-message.ts';
import type { VirtualNetwork } from './virtual.ts';
import { type Heard, VirtualPeer } from './virtual-peer.ts';
import { REGISTRAR_ADDRESS } from './virtual-scene.ts';

/** One request of a phone's, or a dialog of it. */
export interface Dialling {
  readonly uri: string;
  readonly callId: string;
  readonly from: string;
  readonly to: string;
  branch: string;
  sequence: number;
}

let dialled = 0;

export class VirtualPhone {
  readonly peer: VirtualPeer;
  /** Where its requests go. */
  to: Parameters<VirtualPeer['request']>[0] = REGISTRAR_ADDRESS;
  /** Its Via and its Contact say so. */
  transport: Transport = 'udp';
  /** The address that it believes to have; behind a NAT another than its own. */
  believed: SocketAddress;

  constructor(
    private readonly network: VirtualNetwork,
    readonly user: string,
    readonly local: SocketAddress,
  ) {
    this.believed = local;
    this.peer = new VirtualPeer(network, `phone ${user} ${local.address}`, local);
  }

  /** Its own Contact. */
  get contact(): string {
    const transport = this.transport === 'udp' ? '' : `;transport=${this.transport}`;
    return `<sip:${this.user}@${this.believed.address}:${this.believed.port}${transport}>`;
  }

  /** Registers and lets 100 ms pass. */
  register(headers: readonly HeaderLine[] = [['Contact', this.contact]], expires = 600): SipResponse {
    const about = this.dial('REGISTER', 'sip:lab.local', [...headers, ['Expires', `${expires}`]], {
      to: `<sip:${this.user}@lab.local>`,
    });
    return this.finals(about, 'REGISTER').at(-1) as SipResponse;
  }

  /** A request out of any dialog: sent, sent again with credentials when they are asked for, and 100 ms passed. */
  dial(
    method: string,
    uri: string,
    headers: readonly HeaderLine[] = [],
    about: Partial<Dialling> = {},
  ): Dialling {
    dialled += 1;
    const dialling: Dialling = {
      uri,
      callId: `dialled-${dialled}`,
      from: `<sip:${this.user}@lab.local>;tag=f${dialled}`,
      to: `<${uri}>`,
      branch: '',
      sequence: 0,
      ...about,
    };
    const client = new DigestClient(this.user, 'secret');
    let attempt: Attempt = FIRST_ATTEMPT;
    for (let tries = 0; tries < 2; tries++) {
      const credentials = client.authorize({ method, uri, body: NO_BODY }, attempt);
      dialling.sequence += 1;
      dialling.branch = `z9hG4bK-${dialling.callId}-${dialling.sequence}`;
      const lines = credentials.fields.map((field): HeaderLine => [field.name, field.value]);
      this.send(dialling, method, uri, dialling.to, [...headers, ...lines]);
      this.network.run(50);
      const response = this.finals(dialling, method).at(-1);
      if (response === undefined || (response.status !== 401 && response.status !== 407)) break;
      if (method === 'INVITE') this.send(dialling, 'ACK', uri, value(response, 'To') ?? '', []);
      const name = response.status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
      const challenges = values(response, name);
      const { status } = response;
      const verdict = client.challenged({ status, challenges, cnonce: 'c' }, credentials.attempt);
      if (verdict.type === 'refused') break;
      attempt = verdict.attempt;
    }
    this.network.run(50);
    return dialling;
  }

  /** A call: its INVITE has a Contact. */
  call(uri: string, headers: readonly HeaderLine[] = []): Dialling {
    return this.dial('INVITE', uri, [['Contact', this.contact], ...headers]);
  }

  /** The CANCEL of the last INVITE (§9.1). */
  cancel(dialling: Dialling, headers: readonly HeaderLine[] = []): void {
    this.send(dialling, 'CANCEL', dialling.uri, dialling.to, headers);
  }

  /** The ACK to a refusal has the branch of the INVITE; that to a 2xx is a request of its dialog. */
  ack(dialling: Dialling, response: SipResponse, headers: readonly HeaderLine[] = []): void {
    if (response.status >= 300)
      return this.send(dialling, 'ACK', dialling.uri, value(response, 'To') ?? '', headers);
    this.within(dialling, response, 'ACK', headers);
  }

  /** A request within the dialog that a 2xx made: its Contact, its Record-Route the other way round (§12.1.2). */
  within(
    dialling: Dialling,
    response: SipResponse,
    method: string,
    headers: readonly HeaderLine[] = [],
    branch = `z9hG4bK-${dialling.callId}-${method}-${dialling.sequence}`,
  ): void {
    const routes = fields(response, 'Record-Route').map((header): HeaderLine => ['Route', header.value]);
    if (method !== 'ACK') dialling.sequence += 1;
    const uri = addressIn(value(response, 'Contact'));
    const to = value(response, 'To') ?? '';
    this.send({ ...dialling, branch }, method, uri, to, [...routes.reverse(), ...headers]);
  }

  /** A request within a dialog of which it has the INVITE: the route set as it stands there (§12.1.1). */
  withinCalled(invite: SipRequest, toTag: string, method: string, headers: readonly HeaderLine[] = []): void {
    const routes = fields(invite, 'Record-Route').map((header): HeaderLine => ['Route', header.value]);
    const about: Dialling = {
      uri: '',
      callId: value(invite, 'Call-ID') ?? '',
      from: `${value(invite, 'To')};tag=${toTag}`,
      to: '',
      branch: `z9hG4bK-called-${value(invite, 'Call-ID')}-${method}`,
      sequence: 1,
    };
    const uri = addressIn(value(invite, 'Contact'));
    this.send(about, method, uri, value(invite, 'From') ?? '', [...routes, ...headers]);
  }

  /** The last request of that method that it heard. */
  heard(method: string): Heard & { readonly message: SipRequest } {
    const last = this.peer.requests(method).at(-1);
    if (last === undefined) throw new Error(`${this.peer.node.name} heard no ${method}`);
    return last;
  }

  /** Answers the last INVITE. */
  answer(status: number, headers: readonly HeaderLine[] = [], tag = `t-${this.local.address}`): void {
    const toTag = status === 100 ? {} : { toTag: tag };
    this.peer.respond(this.heard('INVITE'), status, {
      ...toTag,
      headers: [['Contact', this.contact], ...headers],
    });
  }

  /** Every status that came for it, in order, retransmissions once. */
  statuses(dialling: Dialling, method = 'INVITE'): number[] {
    const seen = this.responses(dialling, method).map(
      (message) => `${value(message, 'CSeq')} ${value(message, 'To')} ${message.status}`,
    );
    return [...new Set(seen)].map((text) => Number(text.split(' ').at(-1)));
  }

  /** The final responses to it, retransmissions and all. */
  finals(dialling: Dialling, method = 'INVITE'): SipResponse[] {
    return this.responses(dialling, method).filter(({ status }) => status >= 200);
  }

  private responses({ callId }: Dialling, method: string): SipResponse[] {
    const all = this.peer.responses(method).map(({ message }) => message);
    return all.filter((message) => value(message, 'Call-ID') === callId);
  }

  private send(
    { callId, from, branch, sequence }: Dialling,
    method: string,
    uri: string,
    to: string,
    headers: readonly HeaderLine[],
  ): void {
    const { address, port } = this.believed;
    this.peer.request(this.to, method, uri, [
      ['Via', `SIP/2.0/${this.transport.toUpperCase()} ${address}:${port};rport;branch=${branch}`],
      ['Max-Forwards', '70'],
      ['From', from],
      ['To', to],
      ['Call-ID', callId],
      ['CSeq', `${sequence} ${method}`],
      ...headers,
    ]);
  }
}

function addressIn(text: string | undefined): string {
  return /<([^>]+)>/.exec(text ?? '')?.[1] ?? '';
}
