/**
 * Numbers in a capture. What stands behind the end reads as 0 and nothing throws, since a capture may be cut off, or
 * made by somebody who means us ill; who needs all of a structure checks its length first.
 */

/** Network order. */
export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** Network order, unsigned. */
export function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2);
}

/** The order of the machine that wrote the file. */
export interface Order {
  readonly u16: (bytes: Uint8Array, at: number) => number;
  readonly u32: (bytes: Uint8Array, at: number) => number;
}

/** Network order, as captures of big-endian machines have it. */
export const BIG: Order = { u16, u32 };

/** As most captures have it. */
export const LITTLE: Order = {
  u16: (bytes, at) => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8),
  u32: (bytes, at) => LITTLE.u16(bytes, at) + LITTLE.u16(bytes, at + 2) * 0x1_0000,
};
