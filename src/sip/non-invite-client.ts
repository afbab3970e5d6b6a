/**
 * The non-INVITE client transaction (RFC 3261 §17.1.2, Figure 6).
 *
 * Timer E keeps running in Proceeding, at T2: a provisional response to a request that cannot wait long proves
 * little (§17.1.2.2).
 */
import type { Machine } from './transaction-machine.ts';

export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated';

const FINAL = ['disarm E', 'disarm F', 'arm K', 'pass'] as const;

export const NON_INVITE_CLIENT: Machine<NonInviteClientState> = {
  kind: 'non-invite-client',
  shortName: 'nict',
  initial: 'trying',
  start: ['send', 'arm E', 'arm F'],
  rows: [
    {
      state: 'trying',
      input: 'timer E',
      next: 'trying',
      actions: ['resend', 'double E'],
      section: '17.1.2.2',
    },
    {
      state: 'trying',
      input: 'timer F',
      next: 'terminated',
      actions: ['timeout'],
      section: '17.1.2.2',
    },
    {
      state: 'trying',
      input: 'transport error',
      next: 'terminated',
      actions: ['failed'],
      section: '17.1.4',
    },
    { state: 'trying', input: '1xx', next: 'proceeding', actions: ['pass'], section: '17.1.2.2' },
    { state: 'trying', input: '2xx', next: 'completed', actions: FINAL, section: '17.1.2.2' },
    { state: 'trying', input: '3xx-6xx', next: 'completed', actions: FINAL, section: '17.1.2.2' },
    {
      state: 'proceeding',
      input: 'timer E',
      next: 'proceeding',
      actions: ['resend', 'slow E'],
      section: '17.1.2.2',
    },
    {
      state: 'proceeding',
      input: 'timer F',
      next: 'terminated',
      actions: ['timeout'],
      section: '17.1.2.2',
    },
    {
      state: 'proceeding',
      input: 'transport error',
      next: 'terminated',
      actions: ['failed'],
      section: '17.1.4',
    },
    { state: 'proceeding', input: '1xx', next: 'proceeding', actions: ['pass'], section: '17.1.2.2' },
    { state: 'proceeding', input: '2xx', next: 'completed', actions: FINAL, section: '17.1.2.2' },
    { state: 'proceeding', input: '3xx-6xx', next: 'completed', actions: FINAL, section: '17.1.2.2' },
    { state: 'completed', input: 'timer K', next: 'terminated', actions: [], section: '17.1.2.2' },
  ],
};
