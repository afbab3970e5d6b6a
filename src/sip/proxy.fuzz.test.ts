/**
 * Whatever phones send to the proxy, answer through it and take back, in any order and with a byte changed: nothing
 * throws, what is passed on can be read, and all of it ends (RFC 3261 §16).
 */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { type Dialling, VirtualPhone } from '../io/virtual-phone.ts';
import { endpointConfig, leftovers, REGISTRAR_ADDRESS } from '../io/virtual-scene.ts';
import type { HeaderLine } from './serialize-message.ts';
import { bytesOf } from './text.ts';

const uris = fc.constantFrom(
  'sip:101@lab.local',
  'sip:101@lab.local',
  'sip:102@192.0.2.1:5060;transport=tcp',
  'sip:103@lab.local',
  'sip:nobody@lab.local',
  'sip:lab.local',
  'tel:101',
  'sips:101@lab.local',
  'sip:192.0.2.1;lr',
  'sip:101@name.example',
  'sip:101@unknown.example;maddr=192.0.2.1',
  'sip:x@192.0.2.99;transport=tcp',
);

const extras = fc.subarray<HeaderLine>([
  ['Route', '<sip:192.0.2.1;lr>'],
  ['Route', '<sip:192.0.2.1:5060;transport=tcp;lr>, <sip:192.0.2.30;lr>'],
  ['Route', '<sip:192.0.2.31>'],
  ['Route', '<sip:lab.local;lr>, sip:['],
  ['Record-Route', '<sip:192.0.2.77;lr>'],
  ['Proxy-Require', 'x'],
  ['Require', 'y'],
  ['Via', 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKold.0123456789abcdef'],
  ['Subject', '\u00ff'],
]);

const contacts = fc.constantFrom(
  '<sip:101@192.0.2.30:5060>',
  '<sip:101@192.0.2.31;transport=tcp>;q=0.3',
  '<sip:103@lab.local>',
  '<sip:101@192.0.2.1>',
  '<sip:101@192.0.2.99>',
  '<sip:101@name.example?Subject=x>;expires=20',
  '<tel:101>',
  '*',
);

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('dial' as const),
      method: fc.constantFrom('INVITE', 'INVITE', 'INVITE', 'MESSAGE', 'OPTIONS', 'SUBSCRIBE', 'BYE'),
      uri: uris,
      extras,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('respond' as const),
      status: fc.constantFrom(100, 180, 199, 200, 200, 302, 401, 407, 408, 486, 487, 503, 603),
      back: fc.nat({ max: 2 }),
      tag: fc.constantFrom('a', 'b'),
      by: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('cancel' as const, 'ack' as const, 'bye' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('register' as const),
      contacts: fc.array(contacts, { maxLength: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('mutated' as const),
      back: fc.nat({ max: 5 }),
      at: fc.nat({ max: 600 }),
      length: fc.nat({ max: 30 }),
      put: fc.constantFrom(
        '',
        '\r\n',
        ';',
        ',',
        '"',
        '<',
        '\0',
        ';tag=',
        'Via: ',
        '4294967296',
        '\r\nRoute: <sip:a;lr>',
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('wait' as const),
      forMs: fc.constantFrom(10, 700, 40_000, 200_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('unreachable' as const, 'break' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Scene {
  readonly network = new VirtualNetwork();
  readonly proxy: VirtualEndpoint;
  private readonly anna: VirtualPhone;
  private readonly others: readonly VirtualPhone[];
  private last: Dialling | undefined;

  constructor() {
    const { network } = this;
    const users = ['100', '101', '102', '103'].map((user) => ({ user, password: 'secret' }));
    const registrar = { domain: 'lab.local', users };
    this.proxy = network.addEndpoint(
      'proxy',
      REGISTRAR_ADDRESS,
      endpointConfig(REGISTRAR_ADDRESS, { registrar }),
    );
    network.names.set('name.example', ['192.0.2.30']);
    const phone = (user: string, byte: number) =>
      new VirtualPhone(network, user, { address: `192.0.2.${byte}`, port: 5060 });
    this.anna = phone('100', 20);
    this.others = [phone('101', 30), phone('101', 31), phone('102', 40)];
    for (const one of this.others) one.register();
  }

  take(step: Step): void {
    const { network, anna, proxy } = this;
    switch (step.type) {
      case 'dial':
        this.last = anna.dial(step.method, step.uri, [['Contact', anna.contact], ...step.extras]);
        return;
      case 'respond': {
        const phone = this.others[step.by] ?? anna;
        const asked = phone.peer.heard.filter(
          ({ message }) => message.kind === 'request' && message.method !== 'ACK',
        );
        const one = asked.at(-1 - step.back);
        const toTag = step.status === 100 ? {} : { toTag: step.tag };
        const headers: HeaderLine[] = [['Contact', phone.contact]];
        if (one !== undefined) phone.peer.respond(one, step.status, { ...toTag, headers });
        return network.run(50);
      }
      case 'cancel':
        if (this.last !== undefined) anna.cancel(this.last);
        return network.run(50);
      case 'ack':
      case 'bye': {
        const answer = this.last === undefined ? undefined : anna.finals(this.last).at(-1);
        if (this.last === undefined || answer === undefined) return;
        if (step.type === 'ack') anna.ack(this.last, answer);
        else anna.within(this.last, answer, 'BYE');
        return network.run(50);
      }
      case 'register':
        this.others[0]?.register(
          step.contacts.map((contact): HeaderLine => ['Contact', contact]),
          30,
        );
        return;
      case 'mutated': {
        const text = network.sent.filter(({ from }) => from !== 'proxy').at(-1 - step.back)?.text ?? '';
        const bytes = bytesOf(text.slice(0, step.at) + step.put + text.slice(step.at + step.length));
        network.feed(proxy, { type: 'datagram', remote: anna.local, bytes });
        return network.run(50);
      }
      case 'wait':
        return network.run(step.forMs);
      case 'unreachable':
        return network.feed(proxy, {
          type: 'unreachable',
          remote: { address: '192.0.2.30', port: 5060 },
          error: 'x',
        });
      case 'break':
        return network.breakStreams(proxy);
    }
  }
}

test('no request, response or loss throws in the proxy, what it passes on can be read, and all of it ends', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      // A phone that hears what it cannot read throws (virtual-peer.ts).
      const scene = new Scene();
      for (const one of steps) scene.take(one);
      expect(leftovers(scene.network, scene.proxy)).toEqual([]);
    }),
    // Twelve for the phones, and three a step.
    fuzz(30),
  );
}, 600_000);
