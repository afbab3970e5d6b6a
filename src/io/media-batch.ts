/**
 * Commands and reports of the media threads travel in batches: waking a thread costs tens of microseconds, more than
 * carrying out what it is woken for. Milliseconds; a packet that comes to a port within this time of its 200 is held
 * there (rtp-ports.ts).
 */
export const BATCH_MS = 5;
