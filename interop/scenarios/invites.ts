/** INVITE in its rarer forms, as SIPp sends them (sipp/*.xml), each over UDP and TCP. */
import { check } from '../lab.ts';
import type { Scenario } from '../scenario.ts';
import { endedCalls, simple } from './calls.ts';

export const inviteScenarios: readonly Scenario[] = [
  ...simple('late offer: ours in the 200, the answer in the ACK', 'late-offer', {
    look: async (ringback, _lab, _messages) => {
      await endedCalls(ringback, 1);
      const codecs = ringback.all('media.started').map(({ codec }) => codec);
      check(codecs.join(' ') === 'PCMA PCMU', `media.started says ${codecs.join(' ')}`);
    },
  }),
  ...simple('late offer that the ACK does not answer: ended', 'late-offer-unanswered', {
    look: async (ringback) => {
      const ended = await ringback.wait('call.changed', ({ to }) => to === 'terminated');
      check(/no answer to our offer/.test(ended.reason ?? ''), `the reason is "${ended.reason}"`);
    },
  }),
  ...simple('UPDATE: kept alive, held, resumed, refused', 'update', {
    look: async (ringback) => {
      await endedCalls(ringback, 1);
      const states = ringback.all('call.changed').map(({ to }) => to);
      check(states.filter((to) => to === 'held').length === 1, `states: ${states.join(' ')}`);
    },
  }),
  ...simple('UPDATE before the answer', 'update-early', { args: ['--answer-delay', '2'] }),
  ...simple('session timer: 422, then agreed', 'session-timer'),
  ...simple('session timer: we refresh by UPDATE', 'session-refresh', {
    args: ['--media-timeout', '0'],
    sipp: { limitS: 60 },
    limitS: 75,
  }),
  ...simple('session timer: we refresh by re-INVITE', 'session-reinvite', {
    args: ['--media-timeout', '0'],
    sipp: { limitS: 60 },
    limitS: 75,
  }),
  ...simple('session timer: expired', 'session-expired', {
    args: ['--media-timeout', '0'],
    sipp: { limitS: 75 },
    limitS: 90,
    look: async (ringback) => {
      const ended = await ringback.wait('call.changed', ({ to }) => to === 'terminated');
      check(/session expired/.test(ended.reason ?? ''), `the reason is "${ended.reason}"`);
    },
  }),
  ...simple('100rel demanded: the 200 waits for the PRACK', 'prack'),
  ...simple('100rel supported and --prack: late offer in the 180', 'prack-late-offer', { args: ['--prack'] }),
  ...simple('100rel demanded and no PRACK: 504', 'prack-missing', {
    sipp: { limitS: 45 },
    limitS: 60,
    // At 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s; SIPp itself swallows repetitions on UDP.
    look: async (ringback) => {
      await ringback.wait('call.changed', ({ to }) => to === 'terminated');
      const sent = ringback.all('sip.sent').filter(({ startLine }) => startLine.startsWith('SIP/2.0 180'));
      check(sent.length === 7, `the reliable 180 was sent ${sent.length} times, not 7`);
    },
  }),
  ...simple('re-INVITEs that are refused leave the call as it was', 'reinvite-refused', {
    look: async (ringback) => {
      await endedCalls(ringback, 1);
      const states = ringback.all('call.changed').map(({ to }) => to);
      check(states.join(' ') === 'ringing answered established terminated', `states: ${states.join(' ')}`);
    },
  }),
];
