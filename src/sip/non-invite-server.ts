/**
 * The non-INVITE server transaction (RFC 3261 §17.2.2, Figure 8).
 *
 * Completed lives for Timer J so that a retransmitted request gets the same answer again, and is not served twice.
 */
import type { Machine } from './transaction-machine.ts';

export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export const NON_INVITE_SERVER: Machine<NonInviteServerState> = {
  kind: 'non-invite-server',
  shortName: 'nist',
  initial: 'trying',
  start: ['pass'],
  rows: [
    { state: 'trying', input: 'request', next: 'trying', actions: [], section: '17.2.2' },
    { state: 'trying', input: '1xx', next: 'proceeding', actions: ['send'], section: '17.2.2' },
    { state: 'trying', input: '2xx', next: 'completed', actions: ['send', 'arm J'], section: '17.2.2' },
    { state: 'trying', input: '3xx-6xx', next: 'completed', actions: ['send', 'arm J'], section: '17.2.2' },
    { state: 'proceeding', input: 'request', next: 'proceeding', actions: ['resend'], section: '17.2.2' },
    { state: 'proceeding', input: '1xx', next: 'proceeding', actions: ['send'], section: '17.2.2' },
    { state: 'proceeding', input: '2xx', next: 'completed', actions: ['send', 'arm J'], section: '17.2.2' },
    {
      state: 'proceeding',
      input: '3xx-6xx',
      next: 'completed',
      actions: ['send', 'arm J'],
      section: '17.2.2',
    },
    {
      state: 'proceeding',
      input: 'transport error',
      next: 'terminated',
      actions: ['failed'],
      section: '17.2.4',
    },
    { state: 'completed', input: 'request', next: 'completed', actions: ['resend'], section: '17.2.2' },
    {
      state: 'completed',
      input: 'transport error',
      next: 'terminated',
      actions: ['failed'],
      section: '17.2.4',
    },
    { state: 'completed', input: 'timer J', next: 'terminated', actions: [], section: '17.2.2' },
  ],
};
