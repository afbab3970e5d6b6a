/**
 * The counters of every call, in memory that the media thread writes and the engine reads.
 *
 * Why 64-bit floats in a SharedArrayBuffer: they hold integers exactly past 2³² (a byte count gets there in 19
 * days) and fractions as well, one aligned store is one machine write, and one writer per slot needs no lock. A
 * reader may see one counter a packet ahead of another; for a figure shown twice a second that is nothing.
 */
import type { MediaCounters } from './session.ts';

/** Where a counter stands in its slot: what each packet changes first, in one cache line. */
export const PACKETS_RECEIVED = 0;
export const PACKETS_SENT = 1;
export const BYTES_RECEIVED = 2;
export const BYTES_SENT = 3;
export const LOST = 4;
export const JITTER_MS = 5;
export const REORDERED = 6;
export const DUPLICATES = 7;
export const DROPPED = 8;
export const SEND_ERRORS = 9;
export const RTT_MS = 10;
export const RTCP_RECEIVED = 11;

/** Floats a slot: two cache lines, so that two threads never write the same one. */
const SLOT_FLOATS = 16;

/** Memory for `slots` calls, all zero. */
export function allocateCounters(slots: number): SharedArrayBuffer {
  return new SharedArrayBuffer(slots * SLOT_FLOATS * Float64Array.BYTES_PER_ELEMENT);
}

/** Index of the first counter of a slot. */
export function slotBase(slot: number): number {
  return slot * SLOT_FLOATS;
}

/** Sets every counter of a slot to 0: a new call begins. */
export function clearCounters(counters: Float64Array, slot: number): void {
  counters.fill(0, slotBase(slot), slotBase(slot + 1));
}

/** Adds to one counter. `base` is `slotBase(slot)`. */
export function addCounter(counters: Float64Array, base: number, field: number, amount: number): void {
  counters[base + field] = (counters[base + field] as number) + amount;
}

/** What has been counted for one slot. A slot that does not exist reads as zeros. */
export function readCounters(counters: Float64Array, slot: number): MediaCounters {
  const base = slotBase(slot);
  const at = (field: number): number => counters[base + field] ?? 0;
  return {
    packetsReceived: at(PACKETS_RECEIVED),
    packetsSent: at(PACKETS_SENT),
    bytesReceived: at(BYTES_RECEIVED),
    bytesSent: at(BYTES_SENT),
    lost: at(LOST),
    reordered: at(REORDERED),
    duplicates: at(DUPLICATES),
    dropped: at(DROPPED),
    sendErrors: at(SEND_ERRORS),
    jitterMs: at(JITTER_MS),
    rttMs: at(RTT_MS),
    rtcpReceived: at(RTCP_RECEIVED),
  };
}
