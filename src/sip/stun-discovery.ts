/**
 * Where a STUN server sees the SIP socket (RFC 8489 §2, `--stun`): asked from that socket at the start and about as
 * often as a NAT forgets, so that asking keeps the mapping as well (RFC 5626 §3.5.2).
 *
 * Nothing waits for it: until an answer comes, and when none does, everything goes on with the addresses that are known
 * otherwise. The media threads ask for their own ports (io/stun-ports.ts) as long as the server answers here.
 */
import { BindingClient, type BindingSend } from '../stun/binding-client.ts';
import { STUN_PORT, type StunMessage } from '../stun/message.ts';
import { formatAddress, isSameSocket, type NextHop, type SocketAddress } from './flow.ts';
import { Identifiers } from './identifiers.ts';
import { addressFamily } from './ip-address.ts';
import { DEFAULT_KEEPALIVE_S } from './limits.ts';
import type { Told } from './own-address.ts';
import { answers, type FoundServers, queryOf, serverHops } from './server-location.ts';
import { diagnoseStunServer, diagnoseSymmetricNat, type StunTrouble } from './stun-diagnosis.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/** Between two questions where `--keepalive` is 0: a mapping that nobody keeps is another one each time, in ms. */
const ASK_MS = 1_000 * DEFAULT_KEEPALIVE_S;
/** After a server that did not answer, in ms. */
const ASK_AGAIN_MS = 60_000;
/** Sent so often without an answer, 7.5 s long, it is worth a word; asking goes on. */
const SILENT_AFTER = 5;
/** Servers that one may send us on to, one after the other (RFC 8489 §10). */
const MAX_ALTERNATES = 3;
/** A NAT is judged by what two servers said within so long, in ms: between them it may have been started anew. */
const TOGETHER_MS = 30_000;
/** Tells the seed of the transaction ids from that of the identifiers. */
const TRANSACTION_IDS = 0x8489;

/** What our address is; and, asked elsewhere, whether it is the same for everybody. */
type Question = 'sip' | 'other';

/** One answer. */
interface Seen {
  readonly server: SocketAddress;
  readonly mapped: SocketAddress;
  readonly atMs: number;
}

/** Asks, and tells own-address.ts what comes of it; one for an endpoint. */
export class StunDiscovery {
  private readonly client: BindingClient<Question>;
  /** Its own: what is sent again, or asked once more, must change no identifier of a call. */
  private readonly words: Identifiers;
  private readonly hop: NextHop | undefined;
  private servers: readonly SocketAddress[] = [];
  /** Which of them is asked. */
  private index = 0;
  private alternates = 0;
  private resolving = false;
  /** When to ask again; undefined before the start, and while a question is out. */
  private againMs: number | undefined;
  /** The server has been silent, or refused, and that was said. */
  private diagnosed = false;
  /** The last answer, as long as its server goes on answering. */
  private seen: Seen | undefined;
  /** The NAT shows us otherwise to a registrar: what STUN says is of no use. */
  private symmetric = false;
  /** What was compared last. */
  private compared: { readonly told: Told; readonly seen: Seen } | undefined;

  constructor(private readonly agent: UserAgent) {
    const { stun, seed } = agent.config;
    const [first, ...rest] = seed;
    this.words = new Identifiers([first ^ TRANSACTION_IDS, ...rest]);
    this.client = new BindingClient(() => this.words.word());
    if (stun === undefined) return;
    const { host, port } = stun;
    const place = { transport: 'udp', host, port: port ?? STUN_PORT } as const;
    // RFC 8489 §8.1: a name without a port may have SRV records.
    const named = port === undefined && addressFamily(host) === undefined;
    this.hop = named ? { ...place, open: 'port', service: 'stun' } : place;
  }

  /** Nothing is to be expected of it now: silent, refused, or of no use behind this NAT. */
  get failed(): boolean {
    return this.diagnosed || this.symmetric;
  }

  nextMs(): number | undefined {
    const dueMs = this.client.nextMs();
    if (dueMs === undefined || this.againMs === undefined) return dueMs ?? this.againMs;
    return Math.min(dueMs, this.againMs);
  }

  /** Our UDP socket is open. */
  start(turn: Turn): void {
    if (this.againMs === undefined && this.client.size === 0 && !this.resolving) this.find(turn);
  }

  /** The machine's addresses changed: what was told of the old ones says nothing now, of SIP and of audio. */
  askAnew(turn: Turn): void {
    if (this.seen !== undefined) turn.ask({ type: 'media', command: { type: 'stun' } });
    this.seen = undefined;
    this.symmetric = false;
    if (this.againMs !== undefined) this.againMs = turn.nowMs;
  }

  /** The server's name was looked up. */
  resolved(turn: Turn, found: FoundServers): void {
    const { hop } = this;
    if (!this.resolving || hop === undefined || !answers(found, hop)) return;
    this.resolving = false;
    this.servers = serverHops(hop, found, () => this.words.fraction());
    this.index = 0;
    if (this.servers.length > 0) return this.ask(turn);
    this.fail(turn, 'stun-unresolved', found.error ?? `${hop.host} has no address`);
  }

  /** A STUN response on our socket; false when it answers nothing of ours. */
  received(turn: Turn, message: StunMessage, remote: SocketAddress): boolean {
    const answer = this.client.receive(message, remote);
    if (answer === undefined) return false;
    const { owner, verdict } = answer;
    if (owner === 'other') {
      // Whoever has another address and does not answer there says nothing.
      if (verdict.type === 'mapped')
        this.agent.own.told = { by: remote, mapped: verdict.mapped, atMs: turn.nowMs };
    } else if (verdict.type === 'mapped') this.learn(turn, remote, verdict.mapped, verdict.other);
    else if (verdict.type === 'elsewhere' && this.alternates < MAX_ALTERNATES) {
      this.alternates += 1;
      this.servers = [verdict.server];
      this.index = 0;
      this.ask(turn);
    } else {
      const said = verdict.type === 'refused' ? verdict.detail : 'sent on to another server once too often';
      this.fail(turn, 'stun-refused', `${formatAddress(remote)}: ${displayText(said)}`);
    }
    return true;
  }

  /** An ICMP error from there. */
  unreachable(turn: Turn, remote: SocketAddress, error: string): void {
    if (this.client.unreachable(remote).includes('sip'))
      this.next(turn, `${formatAddress(remote)}: ${error}`);
  }

  /** Sends again what has not been answered, and asks anew when it is time. */
  advance(turn: Turn): void {
    for (const step of this.client.advance(turn.nowMs)) {
      const server = formatAddress(step.server);
      if (step.type === 'send') this.send(turn, step);
      // Nothing depends on the other address.
      if (step.owner === 'other') continue;
      if (step.type === 'send') {
        if (step.count === SILENT_AFTER)
          this.diagnose(turn, 'stun-unanswered', `${server} has not answered for 7.5 s`);
      } else this.next(turn, `${server} did not answer within 39.5 s`);
    }
    if (this.againMs === undefined || this.againMs > turn.nowMs) return;
    this.againMs = undefined;
    // A server that answers is not looked up again; one that stopped may be elsewhere now.
    if (this.seen === undefined) this.find(turn);
    else this.ask(turn);
  }

  private find(turn: Turn): void {
    const { hop } = this;
    if (hop === undefined) return;
    this.alternates = 0;
    this.index = 0;
    if (addressFamily(hop.host) === undefined) {
      this.resolving = true;
      return turn.ask({ type: 'resolve', ...queryOf(hop) });
    }
    this.servers = [{ address: hop.host, port: hop.port }];
    this.ask(turn);
  }

  private ask(turn: Turn): void {
    const server = this.servers[this.index];
    if (server !== undefined) this.send(turn, this.client.ask('sip', server, turn.nowMs));
  }

  private send(turn: Turn, { server, bytes }: BindingSend<Question>): void {
    turn.ask({ type: 'send', flow: { transport: 'udp', remote: server }, bytes });
  }

  private learn(
    turn: Turn,
    server: SocketAddress,
    mapped: SocketAddress,
    other: SocketAddress | undefined,
  ): void {
    this.diagnosed = false;
    this.alternates = 0;
    const { keepaliveMs = 0 } = this.agent.config;
    this.again(turn, keepaliveMs === 0 ? ASK_MS : keepaliveMs);
    const before = this.seen;
    const moved =
      before === undefined || !isSameSocket(before.mapped, mapped) || !isSameSocket(before.server, server);
    this.seen = { server, mapped, atMs: turn.nowMs };
    if (!this.symmetric) this.agent.own.learnStun(turn, addressFamily(mapped.address) ?? 'ipv4', mapped);
    if (moved && other !== undefined && !isSameSocket(server, other))
      this.send(turn, this.client.ask('other', other, turn.nowMs));
    if (this.symmetric) return;
    // Their ports moved with this one, as far as anybody knows.
    if (moved) turn.ask({ type: 'media', command: { type: 'stun', server } });
  }

  /**
   * Whether a registrar, or the STUN server's other address, sees our socket where the STUN server does (RFC 5780 §4.3).
   * A NAT that shows another port to each has told us nothing that would be true for a third.
   */
  compare(turn: Turn): void {
    const { seen, agent } = this;
    const { told } = agent.own;
    if (
      seen === undefined ||
      told === undefined ||
      (told === this.compared?.told && seen === this.compared.seen)
    )
      return;
    this.compared = { told, seen };
    const sameWay = agent.own.towards(told.by.address) === agent.own.towards(seen.server.address);
    const together = Math.abs(told.atMs - seen.atMs) <= TOGETHER_MS;
    if (!sameWay || !together || isSameSocket(told.by, seen.server)) return;
    const symmetric = !isSameSocket(told.mapped, seen.mapped);
    // The NAT may just have begun anew, and the registrar have seen it first.
    if (symmetric && told.atMs > seen.atMs) return this.askNow(turn);
    if (symmetric === this.symmetric) return;
    this.symmetric = symmetric;
    if (!symmetric) {
      agent.own.learnStun(turn, addressFamily(seen.mapped.address) ?? 'ipv4', seen.mapped);
      return turn.ask({ type: 'media', command: { type: 'stun', server: seen.server } });
    }
    diagnoseSymmetricNat(turn, seen, told);
    this.forget(turn);
  }

  /** Before it is time, unless a question is out. */
  private askNow(turn: Turn): void {
    if (this.againMs === undefined) return;
    this.againMs = undefined;
    this.ask(turn);
  }

  /** The server that was asked is of no use now: the next one, or later again. */
  private next(turn: Turn, evidence: string): void {
    this.index += 1;
    if (this.index < this.servers.length) return this.ask(turn);
    this.fail(turn, 'stun-unanswered', evidence);
  }

  private fail(turn: Turn, code: StunTrouble, evidence: string): void {
    this.diagnose(turn, code, evidence);
    this.again(turn, ASK_AGAIN_MS);
    // An address that nobody confirms any more is worse than none.
    if (this.seen !== undefined && !this.symmetric) this.forget(turn);
    this.seen = undefined;
    this.symmetric = false;
  }

  /** What STUN told goes for nothing, in Contact and in SDP. */
  private forget(turn: Turn): void {
    for (const family of ['ipv4', 'ipv6'] as const) this.agent.own.learnStun(turn, family, undefined);
    turn.ask({ type: 'media', command: { type: 'stun' } });
  }

  private diagnose(turn: Turn, code: StunTrouble, evidence: string): void {
    if (this.diagnosed) return;
    this.diagnosed = true;
    diagnoseStunServer(turn, code, evidence);
  }

  /** Between 80 and 100 per cent of the interval, as for keepalives (RFC 5626 §4.4.1). */
  private again(turn: Turn, intervalMs: number): void {
    this.againMs = turn.nowMs + Math.round(intervalMs * (0.8 + 0.2 * this.words.fraction()));
  }
}
