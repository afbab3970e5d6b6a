/**
 * The INVITE server transaction (RFC 3261 §17.2.1, Figure 7, with the Accepted state of RFC 6026 §7.1).
 *
 * Accepted exists to absorb retransmitted INVITEs after a 2xx: the 2xx itself is repeated by the user agent,
 * end to end, until its ACK comes (§13.3.1.4). A transport error tells the user and changes no state
 * (RFC 6026 §8.7), because the peer may still be heard.
 */
import type { Machine } from './transaction-machine.ts';

export type InviteServerState = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';

export const INVITE_SERVER: Machine<InviteServerState> = {
  kind: 'invite-server',
  shortName: 'ist',
  initial: 'proceeding',
  start: ['pass'],
  rows: [
    { state: 'proceeding', input: 'request', next: 'proceeding', actions: ['resend'], section: '17.2.1' },
    { state: 'proceeding', input: '1xx', next: 'proceeding', actions: ['send'], section: '17.2.1' },
    {
      state: 'proceeding',
      input: '2xx',
      next: 'accepted',
      actions: ['send', 'arm L'],
      section: 'RFC 6026 7.1',
    },
    {
      state: 'proceeding',
      input: '3xx-6xx',
      next: 'completed',
      actions: ['send', 'arm G', 'arm H'],
      section: '17.2.1',
    },
    {
      state: 'proceeding',
      input: 'transport error',
      next: 'proceeding',
      actions: ['failed'],
      section: 'RFC 6026 8.7',
    },
    { state: 'accepted', input: 'request', next: 'accepted', actions: [], section: 'RFC 6026 7.1' },
    { state: 'accepted', input: '2xx', next: 'accepted', actions: ['send'], section: 'RFC 6026 7.1' },
    { state: 'accepted', input: 'ack', next: 'accepted', actions: ['pass'], section: 'RFC 6026 7.1' },
    {
      state: 'accepted',
      input: 'transport error',
      next: 'accepted',
      actions: ['failed'],
      section: 'RFC 6026 8.7',
    },
    { state: 'accepted', input: 'timer L', next: 'terminated', actions: [], section: 'RFC 6026 7.1' },
    { state: 'completed', input: 'request', next: 'completed', actions: ['resend'], section: '17.2.1' },
    {
      state: 'completed',
      input: 'timer G',
      next: 'completed',
      actions: ['resend', 'double G'],
      section: '17.2.1',
    },
    {
      state: 'completed',
      input: 'ack',
      next: 'confirmed',
      actions: ['disarm G', 'disarm H', 'arm I'],
      section: '17.2.1',
    },
    {
      state: 'completed',
      input: 'timer H',
      next: 'terminated',
      actions: ['timeout'],
      section: '17.2.1',
    },
    {
      state: 'completed',
      input: 'transport error',
      next: 'completed',
      actions: ['failed'],
      section: 'RFC 6026 8.7',
    },
    { state: 'confirmed', input: 'ack', next: 'confirmed', actions: [], section: '17.2.1' },
    { state: 'confirmed', input: 'request', next: 'confirmed', actions: [], section: '17.2.1' },
    { state: 'confirmed', input: 'timer I', next: 'terminated', actions: [], section: '17.2.1' },
  ],
};
