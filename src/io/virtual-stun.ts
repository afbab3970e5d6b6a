/**
 * A STUN server on the virtual network (RFC 8489), with the NAT before it: what it says of a source is what a test
 * wrote down. It can be silent, and it can answer wrongly.
 */
import type { Input, Output } from '../sip/endpoint-io.ts';
import type { SocketAddress } from '../sip/flow.ts';
import type { StunContent } from '../stun/message.ts';
import { parseStun } from '../stun/parse-stun.ts';
import { writeStun } from '../stun/write-stun.ts';
import type { Node, VirtualNetwork } from './virtual.ts';

export class VirtualStunServer {
  /** When each request came, in ms. */
  readonly askedMs: number[] = [];
  /** Hears, and says nothing. */
  silent = false;
  /** The answer instead of the one with the mapping; its transaction id is that of the request unless it has one. */
  says: ((transactionId: string) => StunContent) | undefined;
  /** Its other address, that answers name (RFC 5780 §7.4). */
  other: SocketAddress | undefined;
  readonly node: Node;

  /** `sees`: how the NAT shows whoever asks. */
  constructor(
    private readonly network: VirtualNetwork,
    local: SocketAddress,
    public sees: SocketAddress,
  ) {
    const handle = (input: Input) => this.handle(input);
    this.node = network.addActor('stun', local, { handle, deadlineMs: () => undefined });
  }

  /** Sends something of its own accord. */
  send(remote: SocketAddress, bytes: Uint8Array): void {
    this.network.carryOut(this.node, [{ type: 'send', flow: { transport: 'udp', remote }, bytes }]);
  }

  private handle(input: Input): readonly Output[] {
    if (input.type !== 'datagram') return [];
    const parsed = parseStun(input.bytes);
    if (!parsed.ok || parsed.value.class !== 'request') return [];
    this.askedMs.push(this.network.nowMs);
    if (this.silent) return [];
    const { transactionId } = parsed.value;
    const content = this.says?.(transactionId) ?? {
      class: 'success',
      transactionId,
      mapped: this.sees,
      ...(this.other === undefined ? {} : { otherAddress: this.other }),
    };
    return [{ type: 'send', flow: { transport: 'udp', remote: input.remote }, bytes: writeStun(content) }];
  }
}
