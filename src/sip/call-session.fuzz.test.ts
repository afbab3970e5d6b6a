/**
 * Whatever the called party answers, asks and leaves out, and whenever we hold, resume and hang up: nothing throws, no
 * port is opened twice, a call is told of as ended once, and all of it ends.
 */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { offerText } from '../io/virtual-caller.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import { endpointConfig, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import { value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

const CALLER_ADDRESS = { address: '192.0.2.30', port: 5060 };

const session = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(offerText(), offerText({ port: 31_000 })) },
  fc.constant(''),
  fc.constant('v=0\r\nnonsense'),
  fc
    .record({
      address: fc.constantFrom('192.0.2.20', '0.0.0.0', '10.0.0.1', '255.255.255.255', '::1', 'host.example'),
      port: fc.constantFrom(0, 30_000, 65_535),
      direction: fc.constantFrom('sendrecv', 'sendonly', 'recvonly', 'inactive'),
      codecs: fc.constantFrom(
        { 0: 'PCMU/8000' },
        { 8: 'PCMA/8000', 101: 'telephone-event/8000' },
        { 0: 'G722/8000' },
        { 96: 'opus/48000/2' },
      ),
    } as const)
    .map(offerText),
  fc.constant(`${offerText()}m=video 0 RTP/AVP 96\r\n`),
);

/** Fields that turn the course of a call. */
const fields = fc.subarray<HeaderLine>([
  ['Contact', '<sip:bob@192.0.2.20>'],
  ['Require', '100rel'],
  ['RSeq', '1'],
  ['Session-Expires', '90;refresher=uac'],
  ['Session-Expires', '120;refresher=uas'],
  ['Allow', 'INVITE, UPDATE'],
  ['Min-SE', '2000'],
  ['Retry-After', '1'],
]);

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('respond' as const),
      status: fc.constantFrom(
        100,
        180,
        183,
        199,
        200,
        200,
        200,
        200,
        302,
        408,
        422,
        481,
        486,
        488,
        491,
        500,
        603,
      ),
      /** Which request it answers, from the last one back. */
      back: fc.nat({ max: 2 }),
      tag: fc.constantFrom('bob', 'bob', 'bob', 'eve'),
      fields,
      session,
      waitMs: fc.constantFrom(0, 30, 300),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('ask' as const),
      method: fc.constantFrom('INVITE', 'INVITE', 'ACK', 'UPDATE', 'BYE', 'CANCEL'),
      back: fc.nat({ max: 1 }),
      session,
      waitMs: fc.constantFrom(0, 30, 300),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'hold' as const,
        'resume' as const,
        'dtmf' as const,
        'hangup' as const,
        'sample' as const,
      ),
      waitMs: fc.constantFrom(0, 30, 3_000, 50_000),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** How the phone begins: silent, ringing, or answered with what agrees, with a session timer or without. */
type Beginning = 'nothing' | 'ringing' | 'answered' | 'timed';
const beginnings = fc.constantFrom<Beginning[]>('nothing', 'ringing', 'answered', 'answered', 'timed');

const kinds = fc.constantFrom(
  {},
  { lateOffer: true },
  { dtmf: '1,2' },
  { sdp: offerText() },
  { sdp: offerText(), lateOffer: true },
  { audio: { address: '192.0.2.30', port: 4_000 } },
  { audio: { address: '192.0.2.30', port: 4_000 }, lateOffer: true },
);

class Scene {
  readonly network = new VirtualNetwork();
  readonly ours: VirtualEndpoint;
  readonly phone: VirtualPeer;
  private asked = 0;
  private invited = 0;

  constructor() {
    const config = endpointConfig(CALLER_ADDRESS, { mediaTimeoutMs: 5_000 });
    this.ours = this.network.addEndpoint('ours', CALLER_ADDRESS, config, [40_000]);
    this.phone = new VirtualPeer(this.network, 'phone', PHONE_ADDRESS);
  }

  begin(how: Beginning): void {
    const [invite] = this.phone.heard;
    if (how === 'nothing' || invite === undefined) return;
    const status = how === 'ringing' ? 183 : 200;
    const timer: HeaderLine[] = how === 'timed' ? [['Session-Expires', '90;refresher=uac']] : [];
    const headers: HeaderLine[] = [
      ['Contact', '<sip:bob@192.0.2.20>'],
      ['Content-Type', 'application/sdp'],
      ...timer,
    ];
    this.phone.respond(invite, status, { toTag: 'bob', headers, body: offerText() });
    this.network.run(30);
  }

  take(one: Step): void {
    if (one.type === 'respond') this.respond(one);
    else if (one.type === 'ask') this.ask(one);
    else if (one.type === 'sample') this.ours.sample();
    else {
      const [first] = this.network.eventsOf(this.ours, 'call.changed');
      const call = first?.call ?? '';
      this.ours.act(one.type === 'dtmf' ? { type: 'dtmf', call, digits: '1w#' } : { type: one.type, call });
    }
    this.network.run(one.waitMs);
  }

  private respond({ status, back, tag, fields: headers, session: body }: Step & { type: 'respond' }): void {
    const request = this.phone.heard.filter(({ message }) => message.kind === 'request').at(-1 - back);
    if (request === undefined) return;
    const type: HeaderLine[] = body === '' ? [] : [['Content-Type', 'application/sdp']];
    this.phone.respond(request, status, { toTag: tag, headers: [...headers, ...type], body });
  }

  private ask({ method, back, session: body }: Step & { type: 'ask' }): void {
    const invite = this.phone.requests('INVITE')[0]?.message;
    if (invite === undefined) return;
    if (method !== 'ACK' && method !== 'CANCEL') this.asked += 1;
    if (method === 'INVITE') this.invited = this.asked;
    const number = method === 'ACK' || method === 'CANCEL' ? this.invited : Math.max(1, this.asked - back);
    this.phone.request(
      CALLER_ADDRESS,
      method,
      'sip:anonymous@192.0.2.30',
      [
        ['Via', `SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK${method === 'CANCEL' ? 'INVITE' : method}${number}`],
        ['From', '<sip:bob@192.0.2.20>;tag=bob'],
        ['To', value(invite, 'From') ?? ''],
        ['Call-ID', value(invite, 'Call-ID') ?? ''],
        ['CSeq', `${number} ${method}`],
        ['Contact', '<sip:bob@192.0.2.20>'],
        ...(body === '' ? [] : [['Content-Type', 'application/sdp'] as const]),
      ],
      body,
    );
  }
}

test('a call of ours ends once, and leaves nothing, whatever the other side does', () => {
  fc.assert(
    fc.property(kinds, beginnings, fc.array(step, { maxLength: 12 }), (about, beginning, taken) => {
      const scene = new Scene();
      const { network, ours } = scene;
      ours.act({ type: 'call', to: 'sip:bob@192.0.2.20', ...about });
      network.run(30);
      scene.begin(beginning);
      for (const one of taken) scene.take(one);
      ours.act({ type: 'stop', reason: 'enough' });
      expect(leftovers(network, ours)).toEqual([]);
      const ends = network.eventsOf(ours, 'call.changed').filter(({ to }) => to === 'terminated');
      expect(ends).toHaveLength(1);
      const opened = ours.media.commands.filter(({ type }) => type === 'open').length;
      expect(network.eventsOf(ours, 'media.stopped')).toHaveLength(opened);
    }),
    // A run is about seven steps.
    fuzz(7),
  );
}, 600_000);
