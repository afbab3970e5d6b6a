/**
 * The INVITE client transaction (RFC 3261 §17.1.1, Figure 5, with the Accepted state of RFC 6026 §7.2).
 *
 * Accepted exists because a 2xx may come many times and from several forks: the transaction stays to pass each
 * one up, and the user agent sends each ACK itself.
 */
import type { Machine } from './transaction-machine.ts';

export type InviteClientState = 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated';

export const INVITE_CLIENT: Machine<InviteClientState> = {
  kind: 'invite-client',
  shortName: 'ict',
  initial: 'calling',
  start: ['send', 'arm A', 'arm B'],
  rows: [
    {
      state: 'calling',
      input: 'timer A',
      next: 'calling',
      actions: ['resend', 'double A'],
      section: '17.1.1.2',
    },
    { state: 'calling', input: 'timer B', next: 'terminated', actions: ['timeout'], section: '17.1.1.2' },
    {
      state: 'calling',
      input: 'transport error',
      next: 'terminated',
      actions: ['failed'],
      section: '17.1.4',
    },
    {
      state: 'calling',
      input: '1xx',
      next: 'proceeding',
      actions: ['disarm A', 'disarm B', 'pass'],
      section: '17.1.1.2',
    },
    {
      state: 'calling',
      input: '2xx',
      next: 'accepted',
      actions: ['disarm A', 'disarm B', 'arm M', 'pass'],
      section: 'RFC 6026 7.2',
    },
    {
      state: 'calling',
      input: '3xx-6xx',
      next: 'completed',
      actions: ['disarm A', 'disarm B', 'ack', 'arm D', 'pass'],
      section: '17.1.1.2',
    },
    { state: 'proceeding', input: '1xx', next: 'proceeding', actions: ['pass'], section: '17.1.1.2' },
    {
      state: 'proceeding',
      input: '2xx',
      next: 'accepted',
      actions: ['arm M', 'pass'],
      section: 'RFC 6026 7.2',
    },
    {
      state: 'proceeding',
      input: '3xx-6xx',
      next: 'completed',
      actions: ['ack', 'arm D', 'pass'],
      section: '17.1.1.2',
    },
    {
      state: 'proceeding',
      input: 'transport error',
      next: 'terminated',
      actions: ['failed'],
      section: '17.1.4',
    },
    { state: 'completed', input: '3xx-6xx', next: 'completed', actions: ['ack'], section: '17.1.1.2' },
    {
      state: 'completed',
      input: 'transport error',
      next: 'terminated',
      actions: ['failed'],
      section: '17.1.1.2',
    },
    { state: 'completed', input: 'timer D', next: 'terminated', actions: [], section: '17.1.1.2' },
    { state: 'accepted', input: '2xx', next: 'accepted', actions: ['pass'], section: 'RFC 6026 7.2' },
    { state: 'accepted', input: 'timer M', next: 'terminated', actions: [], section: 'RFC 6026 7.2' },
  ],
};
