/**
 * A registrar of the virtual network that notes what keeps a flow alive: line breaks, and STUN (RFC 5626 §3.5.1, §3.5.2).
 */
import type { Input, Output } from '../sip/endpoint-io.ts';
import type { SocketAddress } from '../sip/flow.ts';
import { parseStun } from '../stun/parse-stun.ts';
import { bindingAnswer } from '../stun/write-stun.ts';
import { VirtualPeer } from './virtual-peer.ts';
import { ECHO_ADDRESS } from './virtual-scene.ts';

const PONG = new Uint8Array([0x0d, 0x0a]);

/** A registrar that counts pings, and answers them while `pongs`. */
export class KeptRegistrar extends VirtualPeer {
  readonly pingsMs: number[] = [];
  pongs = true;
  readonly stunMs: number[] = [];
  /** Where it tells that it sees us; undefined: it does not know STUN. */
  stun: SocketAddress | undefined;

  /** Bytes of a ping that have come: a stream may cut it. */
  private heardBytes = 0;

  /** The end of a message that was cut may have looked like a ping. */
  forget(): void {
    this.pingsMs.length = 0;
    this.heardBytes = 0;
  }

  override handle(input: Input, nowMs: number): readonly Output[] {
    if (input.type !== 'datagram' && input.type !== 'stream') return super.handle(input, nowMs);
    const asked = input.type === 'datagram' ? parseStun(input.bytes) : undefined;
    if (asked?.ok === true) {
      this.stunMs.push(nowMs);
      const bytes = this.stun === undefined ? undefined : bindingAnswer(asked.value, this.stun);
      const flow = { transport: 'udp', remote: ECHO_ADDRESS } as const;
      return bytes === undefined ? [] : [{ type: 'send', flow, bytes }];
    }
    if (!input.bytes.every((byte) => byte === 0x0d || byte === 0x0a)) return super.handle(input, nowMs);
    this.heardBytes += input.bytes.length;
    if (this.heardBytes < 4) return [];
    this.heardBytes = 0;
    this.pingsMs.push(nowMs);
    if (input.type === 'datagram' || !this.pongs) return [];
    const flow = { transport: 'tcp', remote: ECHO_ADDRESS, connection: input.connection } as const;
    return [{ type: 'send', flow, bytes: PONG }];
  }
}
