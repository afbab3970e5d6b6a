/**
 * The IP packet in a frame: Ethernet with VLAN tags (802.1Q, 802.1ad) and PPPoE, Linux cooked capture v1 and v2, BSD
 * loopback, and raw IP. What carries something else gives nothing.
 */
import { u16 } from './bytes.ts';

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const PPPOE = 0x8864;
const VLAN: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);

/** Tags that may stand before the packet. */
const MAX_TAGS = 4;

/** Where the link header ends and which protocol it names; `any`: the packet says it itself. */
interface LinkHeader {
  readonly length: number;
  readonly protocol: number | 'any';
}

/** The IP packet in the frame, by LINKTYPE_ value. */
export function ipPacketIn(link: number, frame: Uint8Array): Uint8Array | undefined {
  const header = linkHeader(link, frame);
  if (header === undefined) return undefined;
  let { length, protocol } = header;
  for (let tags = 0; tags < MAX_TAGS && protocol !== 'any' && VLAN.has(protocol); tags++) {
    protocol = u16(frame, length + 2);
    length += 4;
  }
  if (protocol === PPPOE) {
    protocol = u16(frame, length + 6) === 0x0057 ? IPV6 : IPV4;
    length += 8;
  }
  if (protocol !== 'any' && protocol !== IPV4 && protocol !== IPV6) return undefined;
  const version = (frame[length] ?? 0) >> 4;
  return version === 4 || version === 6 ? frame.subarray(length) : undefined;
}

function linkHeader(link: number, frame: Uint8Array): LinkHeader | undefined {
  switch (link) {
    case 1:
      return { length: 14, protocol: u16(frame, 12) };
    case 113:
      return { length: 16, protocol: u16(frame, 14) };
    case 276:
      return { length: 20, protocol: u16(frame, 0) };
    // NULL and LOOP: four bytes of an address family that differs from system to system.
    case 0:
    case 108:
      return { length: 4, protocol: 'any' };
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return { length: 0, protocol: 'any' };
    default:
      return undefined;
  }
}
