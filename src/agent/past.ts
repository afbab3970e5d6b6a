/**
 * What somebody who begins to watch has to hear first: the events that led to what there is now. Of the session the
 * last word on each thing, of every call that stands its whole story, within bounds.
 */
import type { Event } from '../events.ts';

/** Events kept of one call; the last measurement is kept beside them. */
const STORY_KEPT = 64;
/** What is told of all calls together, in characters of JSON: half of what may wait for a client that reads slowly. */
const TOLD_CHARS = 4 * 1024 * 1024;

interface Story {
  readonly events: Event[];
  sample: Event | undefined;
}

/** Bounded: of a call that has many events those in the middle go first, of many calls the stories of the oldest. */
export class Past {
  /** By what they are about; a later one takes the place of an earlier one. */
  private readonly session = new Map<string, Event>();
  private readonly calls = new Map<string, Story>();

  /** Every event has to pass. */
  note(event: Event): void {
    const about = sessionKey(event);
    if (about !== undefined) this.session.set(about, event);
    else if ('call' in event && event.call !== undefined) this.noteCall(event.call, event);
  }

  /**
   * In the order in which they happened. When all of it would be more than `toldChars`, the newest calls keep their
   * story up to half of that, the others what they are and how they stand.
   */
  events(toldChars = TOLD_CHARS): readonly Event[] {
    const all = [...this.session.values()];
    let left = toldChars;
    for (const { events, sample } of [...this.calls.values()].reverse()) {
      const told = sample === undefined ? events : [...events, sample];
      const whole = charsOf(told);
      const brief = left - whole >= toldChars / 2 ? told : told.filter(({ type }) => BRIEF.has(type));
      const chars = brief === told ? whole : charsOf(brief);
      if (chars > left) break;
      left -= chars;
      all.push(...brief);
    }
    return all.sort((one, other) => one.seq - other.seq);
  }

  private noteCall(handle: string, event: Event): void {
    if (event.type === 'call.changed' && event.to === 'terminated') {
      this.calls.delete(handle);
      return;
    }
    const story = this.calls.get(handle) ?? { events: [], sample: undefined };
    if (event.type === 'media.sampled') story.sample = event;
    else if (event.type === 'timers.changed') return;
    else {
      story.events.push(withoutMessage(event));
      // How it began and how it stands now matter most.
      if (story.events.length > STORY_KEPT) story.events.splice(STORY_KEPT / 2, 1);
    }
    // A call begins with its change of state: what comes after its end, or belongs to none, is not kept.
    if (this.calls.has(handle) || event.type === 'call.changed') this.calls.set(handle, story);
  }
}

/** A thousand calls with their messages would be a hundred megabytes. */
function withoutMessage(event: Event): Event {
  if ((event.type !== 'sip.sent' && event.type !== 'sip.received') || event.raw === undefined) return event;
  const { raw: _raw, ...rest } = event;
  return rest;
}

/** What a line of the table needs of a call. */
const BRIEF: ReadonlySet<Event['type']> = new Set(['call.changed', 'media.started', 'media.sampled']);

function charsOf(events: readonly Event[]): number {
  return events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
}

function sessionKey(event: Event): string | undefined {
  switch (event.type) {
    case 'session.started':
      return event.type;
    case 'listener.opened':
      return `${event.type} ${event.transport} ${event.address} ${event.port}`;
    case 'address.discovered':
      return `${event.type} ${event.scope} ${event.address.includes(':') ? 6 : 4}`;
    case 'registration.changed':
      return `${event.type} ${event.account}`;
    default:
      return undefined;
  }
}
