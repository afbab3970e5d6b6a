/**
 * What an endpoint holds, learned from its events: listeners, registrations, calls. A pure model, so that `status`
 * and the decision to leave are tested with a list of events.
 */
import type { Event, EventOf } from '../events.ts';
import { isStanding } from '../sip/registration-state.ts';
import { LONGEST_TOLD, type Status } from './control-message.ts';

interface HeldCall {
  changed: EventOf<'call.changed'>;
  readonly sinceMs: number;
  media: EventOf<'media.started'> | undefined;
  counted: EventOf<'media.sampled'> | undefined;
  countedMs: number | undefined;
}

interface HeldRegistration {
  readonly changed: EventOf<'registration.changed'>;
  readonly sinceMs: number;
}

/** A count is told for so long, in ms: an echo that nobody watches counts on without saying so. */
const FRESH_MS = 5_000;

/** States of a registration that somebody still works for. */
const ALIVE: ReadonlySet<string> = new Set(['registering', 'registered', 'retrying']);

/** The model; every event of the endpoint has to pass `note`. */
export class Holdings {
  private readonly listeners: Status['listeners'] = [];
  private readonly registrations = new Map<string, HeldRegistration>();
  private readonly calls = new Map<string, HeldCall>();
  private startedAt = '';

  /** Every event has to pass. */
  note(event: Event): void {
    switch (event.type) {
      case 'session.started':
        this.startedAt = event.wallTime;
        return;
      case 'listener.opened':
        this.listeners.push({ transport: event.transport, address: event.address, port: event.port });
        return;
      case 'registration.changed':
        if (event.to !== 'unregistered')
          this.registrations.set(event.account, { changed: event, sinceMs: event.atMs });
        // One that was replaced may end after the new one began.
        else if (this.callIdOf(event.account) === event.callId) this.registrations.delete(event.account);
        return;
      case 'call.changed':
        return this.noteCall(event);
      case 'media.started': {
        const known = this.calls.get(event.call);
        if (known !== undefined) known.media = event;
        return;
      }
      case 'media.sampled': {
        const known = this.calls.get(event.call);
        if (known === undefined) return;
        known.counted = event;
        known.countedMs = event.atMs;
        return;
      }
      default:
    }
  }

  private noteCall(event: Extract<Event, { type: 'call.changed' }>): void {
    const known = this.calls.get(event.call);
    if (event.to === 'terminated') this.calls.delete(event.call);
    else if (known !== undefined) known.changed = event;
    else {
      const nothing = { media: undefined, counted: undefined, countedMs: undefined };
      this.calls.set(event.call, { changed: event, sinceMs: event.atMs, ...nothing });
    }
  }

  /** The handles of the calls that stand, or are being set up or ended. */
  get handles(): readonly string[] {
    return [...this.calls.keys()];
  }

  /** The state of a call; undefined when there is none of that handle. */
  callState(handle: string): EventOf<'call.changed'>['to'] | undefined {
    return this.calls.get(handle)?.changed.to;
  }

  /** Addresses of record that are registered, or about to be. */
  get registered(): readonly string[] {
    return [...this.registrations]
      .filter(([, { changed }]) => ALIVE.has(changed.to))
      .map(([account]) => account);
  }

  /** Whether it is registered, or was and is tried again. */
  standing(account: string): boolean {
    const held = this.registrations.get(account);
    return held !== undefined && isStanding(held.changed.to);
  }

  /** The Call-ID of its REGISTERs. */
  callIdOf(account: string): string | undefined {
    return this.registrations.get(account)?.changed.callId;
  }

  /** Whether there is nothing to stay for. */
  get empty(): boolean {
    return this.calls.size === 0 && this.registered.length === 0;
  }

  /** What there is at that time, on the clock of the events. */
  status(nowMs: number): Pick<Status, 'startedAt' | 'listeners' | 'registrations' | 'calls'> {
    const sinceS = (ms: number) => Math.max(0, Math.round((nowMs - ms) / 100) / 10);
    return {
      startedAt: this.startedAt,
      listeners: this.listeners,
      registrations: [...this.registrations].map(([account, { changed, sinceMs }]) => ({
        account,
        state: changed.to,
        ...(changed.expiresS === undefined ? {} : { expiresS: changed.expiresS }),
        sinceS: sinceS(sinceMs),
        ...(changed.reason === undefined || changed.to === 'registered'
          ? {}
          : { reason: told(changed.reason) }),
      })),
      calls: [...this.calls].map(([call, { changed, sinceMs, media, counted, countedMs = 0 }]) => ({
        call,
        direction: changed.direction,
        peer: told(changed.peer),
        state: changed.to,
        sinceS: sinceS(sinceMs),
        ...(media === undefined ? {} : { codec: told(media.codec), audioPort: media.localPort }),
        ...(counted === undefined || nowMs - countedMs > FRESH_MS
          ? {}
          : { packetsReceived: counted.packetsReceived, packetsSent: counted.packetsSent }),
      })),
    };
  }
}

/** A caller may write thousands of characters into From; whoever asks for the status reads a line. */
function told(text: string): string {
  return text.slice(0, LONGEST_TOLD);
}
