/** Contacts that cannot be reached: what counts as one, and where requests in a dialog go then (RFC 3261 §12.2.1.1). */
import { afterEach, describe, expect, test } from 'bun:test';
import { offerText, VirtualCaller } from '../io/virtual-caller.ts';
import { type EchoScene, echoScene, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import { isOutOfReach } from './contact-reach.ts';
import type { EndpointConfig } from './endpoint-config.ts';

describe('a Contact is out of reach', () => {
  const HOME = [{ address: '192.168.1.10', prefixLength: 24 }];
  const reach = (contact: string, source: string, interfaces = HOME) =>
    isOutOfReach(contact, source, interfaces) ? 'where heard' : 'as sent';

  test('when it is private and its owner is heard from a public address', () => {
    for (const contact of ['10.1.2.3', '172.20.0.9', '192.168.7.7', '100.64.3.4', '169.254.1.1', '127.0.0.1'])
      expect(reach(contact, '203.0.113.7'), contact).toBe('where heard');
    for (const contact of ['fd12::5', 'fe80::1', '::1'])
      expect(reach(contact, '2001:db8::7'), contact).toBe('where heard');
    // Most homes have the same numbers.
    expect(reach('192.168.1.20', '203.0.113.7')).toBe('where heard');
  });

  test('when it is of another private block than the source, and of no network of ours', () => {
    expect(reach('192.168.7.7', '100.64.3.4')).toBe('where heard');
    expect(reach('192.168.7.7', '10.8.0.1')).toBe('where heard');
    expect(reach('10.0.0.5', '172.16.0.1')).toBe('where heard');
    expect(reach('127.0.0.1', '192.168.1.30')).toBe('where heard');
    // A proxy beside us speaks for a phone beside us.
    expect(reach('192.168.1.20', '10.8.0.1')).toBe('as sent');
  });

  test('and not when it is public, its own source, of the same block, or a name', () => {
    expect(reach('203.0.113.9', '203.0.113.7')).toBe('as sent');
    expect(reach('203.0.113.9', '192.168.1.1')).toBe('as sent');
    expect(reach('192.168.7.7', '192.168.7.7')).toBe('as sent');
    expect(reach('fd12:0::5', 'fd12::5')).toBe('as sent');
    expect(reach('10.3.0.7', '10.2.0.1')).toBe('as sent');
    expect(reach('phone.example', '203.0.113.7')).toBe('as sent');
  });
});

describe('a request in a dialog', () => {
  const PRIVATE = '<sip:anna@192.168.1.20:5066>';
  let scene: EchoScene;

  afterEach(() => {
    expect(leftovers(scene.network, scene.echo)).toEqual([]);
  });

  const toPhone = () => scene.phone.requests('BYE').length;
  const codes = () => scene.network.eventsOf(scene.echo, 'diagnosis.raised').map(({ code }) => code);

  /** A call of the phone that stands, with that Contact. */
  function called(about: Partial<EndpointConfig> = {}, headers: VirtualCaller['inviteHeaders'] = []) {
    scene = echoScene({ mediaTimeoutMs: 0, ...about });
    scene.phone.answering = () => ({ status: 200 });
    const call = scene.caller();
    call.contact = PRIVATE;
    call.inviteHeaders = headers;
    call.invite();
    scene.network.run(50);
    call.ack();
    scene.network.run(50);
    return call;
  }

  function hangUp(): void {
    scene.echo.act({ type: 'hangup-all' });
    scene.network.run(100);
  }

  test('goes where the caller was heard, with the Contact as its Request-URI, and says so once', () => {
    called();
    hangUp();
    expect(scene.phone.requests('BYE').map(({ message }) => message.uri)).toEqual([
      'sip:anna@192.168.1.20:5066',
    ]);
    expect(codes()).toEqual(['contact-private']);
  });

  test('goes to the Contact with --contact-as-sent', () => {
    called({ privateContacts: 'as-sent' });
    hangUp();
    expect(toPhone()).toBe(0);
    const sent = scene.network.eventsOf(scene.echo, 'sip.sent');
    expect(sent.findLast(({ startLine }) => startLine.startsWith('BYE'))?.remote).toBe('192.168.1.20:5066');
    expect(codes()).toEqual([]);
  });

  test('goes to the recorded route, however private that is', () => {
    called({}, [['Record-Route', '<sip:10.5.5.5;lr>']]);
    hangUp();
    expect(toPhone()).toBe(0);
    const sent = scene.network.eventsOf(scene.echo, 'sip.sent');
    expect(sent.findLast(({ startLine }) => startLine.startsWith('BYE'))?.remote).toBe('10.5.5.5:5060');
    expect(codes()).toEqual([]);
  });

  test('goes where a callee answered from, the ACK first of all', () => {
    scene = echoScene({ mediaTimeoutMs: 0 });
    const { phone, network, echo } = scene;
    phone.answering = ({ method }) =>
      method === 'INVITE'
        ? {
            status: 200,
            toTag: 'callee',
            headers: [
              ['Contact', PRIVATE],
              ['Content-Type', 'application/sdp'],
            ],
            body: offerText(),
          }
        : { status: 200 };
    echo.act({ type: 'call', to: `sip:anna@${PHONE_ADDRESS.address}` });
    network.run(100);
    expect(phone.requests('ACK').map(({ message }) => message.uri)).toEqual(['sip:anna@192.168.1.20:5066']);
    hangUp();
    expect(toPhone()).toBe(1);
    expect(codes()).toEqual(['contact-private']);
  });

  test('goes over the connection while it stands, and where it led once it is gone, not to the Contact', () => {
    scene = echoScene({ mediaTimeoutMs: 0 });
    const { phone, network, echo } = scene;
    phone.answering = () => ({ status: 200 });
    const flow = phone.connect(echo.local);
    network.run(50);
    const call = new VirtualCaller(phone, flow);
    call.contact = '<sip:anna@192.168.1.20:5066;transport=tcp>';
    call.invite();
    network.run(50);
    call.ack();
    network.run(50);
    phone.disconnect(flow);
    network.run(50);
    hangUp();
    network.run(40_000);
    const remotes = network.eventsOf(echo, 'sip.sent').map(({ remote }) => remote);
    expect(remotes.filter((remote) => remote.startsWith('192.168.'))).toEqual([]);
    expect(codes()).toContain('contact-private');
  });
});
