/**
 * What is said to people when something is wrong, in the words of events.ts: what was seen, what is likely, what to do.
 */
import type { EventOf } from '../events.ts';

/** Why, most likely, and the next thing to check. */
export type Advice = Pick<EventOf<'diagnosis.raised'>, 'cause' | 'next'>;

/** The whole of it, but for whom it is about. */
export type Diagnosis = Omit<EventOf<'diagnosis.raised'>, 'type' | 'call' | 'account'>;
