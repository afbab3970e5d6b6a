/**
 * Watches the addresses of this machine while it runs: Wi-Fi to cable, a lease that was not renewed, a tunnel up or down.
 *
 * Why a look every two seconds: there is no portable word from the kernel, and a look takes a third of a millisecond. A
 * change counts when it stands still for half a second (an address is there before its route is), and a link that flaps
 * is told of less and less often, as every change costs a REGISTER and a re-INVITE for each call.
 */
import type { LocalAddresses } from '../sip/endpoint-config.ts';
import { findLocalAddresses, sourceTowards } from './local-addresses.ts';

/** Between two looks, in ms, and between them while a change has to stand still. */
const LOOK_MS = 2_000;
const SETTLE_MS = 500;
/** After a change that was told, the next one waits so long, in ms; twice as long each time, until it was calm. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const CALM_MS = 60_000;
/** Peers whose way is looked at as well: the first that were asked for, which are the registrars. */
const MAX_WATCHED = 8;

/** Decides which of the states that are seen is told. */
export class SettledChange {
  private candidate: { readonly seen: string; readonly sinceMs: number } | undefined;
  private toldMs = Number.NEGATIVE_INFINITY;
  private pauseMs = FIRST_PAUSE_MS;

  /** Whether a change is waiting to be told. */
  get waits(): boolean {
    return this.candidate !== undefined;
  }

  /** What is seen now, and what was told last. True: it is another state, it stands still, and is to be told. */
  see(seen: string, told: string, nowMs: number): boolean {
    if (seen === told) {
      this.candidate = undefined;
      return false;
    }
    if (this.candidate?.seen !== seen) this.candidate = { seen, sinceMs: nowMs };
    if (nowMs - this.candidate.sinceMs < SETTLE_MS || nowMs - this.toldMs < this.pauseMs) return false;
    const calm = nowMs - this.toldMs >= CALM_MS;
    this.pauseMs = calm ? FIRST_PAUSE_MS : Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
    this.toldMs = nowMs;
    this.candidate = undefined;
    return true;
  }
}

/** A watch that runs until `stop`; it keeps no process alive. */
export interface AddressWatch {
  /** The endpoint asked for the way to that peer, and got this. */
  note(peer: string, local: string | undefined): void;
  /** Looks now, not when it is time: something could not be sent. */
  look(): void;
  stop(): void;
}

/** `first`: what the endpoint was told at its start. `changed` is called with what is new; `find` may throw. */
export function watchAddresses(
  first: LocalAddresses,
  changed: (now: LocalAddresses) => void,
  find = findLocalAddresses,
): AddressWatch {
  const ways = new Map<string, string | undefined>();
  const settled = new SettledChange();
  let told = first;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  const again = (inMs: number) => {
    clearTimeout(timer);
    timer = setTimeout(look, inMs);
    timer.unref();
  };
  function look(): void {
    lookedMs = performance.now();
    const now = lookedUp(find);
    if (now === undefined) return again(LOOK_MS);
    const reached = new Map([...ways.keys()].map((peer) => [peer, sourceTowards(peer)]));
    const tell = settled.see(stateOf(now, reached), stateOf(told, ways), lookedMs);
    again(settled.waits ? SETTLE_MS : LOOK_MS);
    if (!tell) return;
    // The endpoint asks anew for the ways that it still needs.
    ways.clear();
    told = now;
    changed(now);
  }
  again(LOOK_MS);
  return {
    note(peer, local) {
      if (ways.has(peer) || ways.size < MAX_WATCHED) ways.set(peer, local);
    },
    look() {
      if (performance.now() - lookedMs >= SETTLE_MS / 2) again(0);
    },
    stop: () => clearTimeout(timer),
  };
}

/** Undefined while the system cannot be asked: who fills our connections takes its last descriptor, and ends nothing by it. */
function lookedUp(find: () => LocalAddresses): LocalAddresses | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}

/**
 * What counts as a change. Link-local addresses do not: every container that starts brings some, and a peer on a link is
 * among the ways.
 */
export function stateOf(
  { defaultAddresses, interfaces }: LocalAddresses,
  ways: ReadonlyMap<string, string | undefined>,
): string {
  const counted = interfaces.filter(({ zone }) => zone === undefined);
  return JSON.stringify([defaultAddresses, counted, [...ways]]);
}
