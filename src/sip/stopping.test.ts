/** How the endpoint stops, and how a call without audio ends (design: at most 5 s; `--media-timeout`). */
import { afterEach, expect, test } from 'bun:test';
import { offerText } from '../io/virtual-caller.ts';
import { type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { value } from './message.ts';

let scene: EchoScene;

function open(about: Partial<EndpointConfig> = {}): EchoScene {
  scene = echoScene(about);
  return scene;
}

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

/** A call that stands. */
function established() {
  const call = scene.caller();
  call.invite();
  scene.network.run(50);
  call.ack();
  scene.network.run(50);
  return call;
}

const stop = () => scene.echo.act({ type: 'stop', reason: 'SIGTERM' });
const byesGet200 = () => {
  scene.phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
};
const lastCall = () => scene.network.eventsOf(scene.echo, 'call.changed').at(-1);

test('a stop with nothing to end is over at once', () => {
  open();
  stop();
  expect(scene.echo.stopped).toBe('SIGTERM');
});

test('a stop says BYE to every call and is over when the last is answered (§15.1.1)', () => {
  const { network, echo, phone } = open();
  byesGet200();
  established();
  established();
  stop();
  expect(echo.stopped).toBeUndefined();
  network.run(50);
  expect(phone.requests('BYE')).toHaveLength(2);
  expect(echo.stopped).toBe('SIGTERM');
  expect(lastCall()).toMatchObject({ to: 'terminated', reason: 'SIGTERM' });
});

test('while it stops new calls and OPTIONS get 503 with Retry-After (§21.5.4)', () => {
  const { network, phone, caller } = open();
  const standing = established();
  stop();
  const call = caller();
  call.invite();
  network.run(50);
  expect(call.statuses()).toEqual([503]);
  const refused = call.finalResponse();
  expect(refused && value(refused, 'Retry-After')).toBeDefined();
  const other = caller();
  other.request('OPTIONS');
  network.run(50);
  expect(other.statuses('OPTIONS')).toEqual([503]);
  call.ack();
  const [bye] = phone.requests('BYE');
  if (bye !== undefined) phone.respond(bye, 200);
  network.run(50);
  expect(scene.echo.stopped).toBe('SIGTERM');
  expect(standing.statuses()).toEqual([100, 180, 200]);
});

test('a call that rings gets 503 (§21.5.4)', () => {
  const { network, caller } = open({ answerDelayMs: 10_000 });
  const call = caller();
  call.invite();
  network.run(50);
  stop();
  network.run(50);
  expect(call.statuses()).toEqual([100, 180, 503]);
});

test('a stop is over after 5 s, whoever does not answer, and a BYE went to a call without its ACK', () => {
  const { network, echo, phone, caller } = open();
  established();
  const unacknowledged = caller();
  unacknowledged.invite();
  network.run(50);
  stop();
  network.run(4_900);
  expect(echo.stopped).toBeUndefined();
  network.run(150);
  expect(echo.stopped).toBe('SIGTERM');
  const callIds = new Set(phone.requests('BYE').map(({ message }) => value(message, 'Call-ID')));
  expect(callIds.size).toBe(2);
});

test('a second stop changes nothing, and a stopped endpoint is silent', () => {
  const { network, echo, phone, caller } = open();
  byesGet200();
  established();
  stop();
  echo.act({ type: 'stop', reason: 'again' });
  network.run(50);
  expect(echo.stopped).toBe('SIGTERM');
  const heard = phone.heard.length;
  caller().invite();
  network.run(1_000);
  expect(phone.heard).toHaveLength(heard);
});

/** Half seconds with a sample each. */
function sampleFor(seconds: number, each: () => void = () => {}): void {
  for (let half = 0; half < 2 * seconds; half++) {
    each();
    scene.network.run(500);
    scene.echo.sample();
  }
}

test('a call that hears nothing for the media timeout is ended with a reason and a diagnosis', () => {
  const { network, echo, phone } = open({ mediaTimeoutMs: 60_000 });
  byesGet200();
  established();
  sampleFor(59);
  expect(phone.requests('BYE')).toHaveLength(0);
  sampleFor(2);
  expect(phone.requests('BYE')).toHaveLength(1);
  expect(lastCall()).toMatchObject({ to: 'terminated', reason: 'no audio received' });
  expect(network.eventsOf(echo, 'diagnosis.raised')).toMatchObject([
    { code: 'no-audio-received', severity: 'warning' },
    { code: 'no-audio-received', severity: 'error' },
  ]);
});

test('a call that is not heard is told of while it stands, once, after 5 s', () => {
  const { network, echo } = open();
  const call = established();
  sampleFor(4);
  expect(network.eventsOf(echo, 'diagnosis.raised')).toHaveLength(0);
  sampleFor(20);
  call.bye();
  network.run(100);
  expect(network.eventsOf(echo, 'diagnosis.raised')).toMatchObject([{ code: 'no-audio-received' }]);
});

test('packets that came and could not be used are told from packets that never came', () => {
  const { network, echo } = open();
  const call = established();
  sampleFor(6, () => echo.media.count(0, { dropped: 25 }));
  call.bye();
  network.run(100);
  const [diagnosis] = network.eventsOf(echo, 'diagnosis.raised');
  expect(diagnosis).toMatchObject({ code: 'audio-not-agreed' });
  expect(diagnosis?.evidence).toContain('agreed was 0 PCMU');
});

test('gaps in the audio are told of at the end, from 3 in 100 on', () => {
  const { network, echo } = open();
  const good = established();
  sampleFor(10, () => echo.media.count(0, { packetsReceived: 25, packetsSent: 25 }));
  good.bye();
  network.run(100);
  expect(network.eventsOf(echo, 'diagnosis.raised')).toHaveLength(0);
  const poor = established();
  sampleFor(10, () => echo.media.count(1, { packetsReceived: 20, packetsSent: 20, lost: 5 }));
  poor.bye();
  network.run(100);
  expect(network.eventsOf(echo, 'diagnosis.raised')).toMatchObject([{ code: 'packets-lost' }]);
});

test('a gap in which the address of the caller changed is not blamed on its Wi-Fi, but a longer one is', () => {
  const { network, echo } = open();
  const causes = [50, 250].map((lost, slot) => {
    const call = established();
    const latched = { type: 'latched', slot, address: '198.51.100.9' } as const;
    for (const port of [5_555, 5_556]) network.feed(echo, { type: 'media', report: { ...latched, port } });
    sampleFor(10, () => echo.media.count(slot, { packetsReceived: 25, packetsSent: 25 }));
    echo.media.count(slot, { lost });
    call.bye();
    network.run(100);
    return network.eventsOf(echo, 'diagnosis.raised').at(-1)?.cause;
  });
  expect(causes[0]).toContain('an address changed in mid-call, that of the caller');
  expect(causes[1]).toContain('Wi-Fi is poor');
});

test('hanging up a call that is not there is told of', () => {
  const { network, echo } = open();
  echo.act({ type: 'hangup', call: 'call-a-b-999' });
  expect(network.eventsOf(echo, 'diagnosis.raised')).toMatchObject([{ code: 'call-unknown' }]);
});

test('a call that was never heard is told of at its end, unless it was too short to say', () => {
  const { network, echo } = open();
  const call = established();
  sampleFor(5);
  call.bye();
  network.run(100);
  expect(network.eventsOf(echo, 'diagnosis.raised')).toMatchObject([
    { code: 'no-audio-received', severity: 'warning' },
  ]);
  const brief = established();
  sampleFor(1);
  brief.bye();
  network.run(100);
  expect(network.eventsOf(echo, 'diagnosis.raised')).toHaveLength(1);
});

test('audio that stopped is told from audio that never came', () => {
  const { network, echo } = open({ mediaTimeoutMs: 10_000 });
  byesGet200();
  established();
  sampleFor(20, () => echo.media.count(0, { packetsReceived: 25, packetsSent: 25 }));
  expect(lastCall()).toMatchObject({ to: 'established' });
  sampleFor(11);
  expect(network.eventsOf(echo, 'diagnosis.raised')).toMatchObject([{ code: 'audio-stopped' }]);
  const samples = network.eventsOf(echo, 'media.sampled');
  expect(samples[5]).toMatchObject({ packetsReceivedPerS: 50, packetsSentPerS: 50 });
  // The last one says that nothing comes any more, and then there are none.
  expect(samples.at(-1)).toMatchObject({ packetsReceivedPerS: 0, packetsReceived: 1_000 });
  expect(samples).toHaveLength(41);
});

test('RTCP counts as life: who is silent is still there (RFC 3550 §6)', () => {
  const { echo } = open({ mediaTimeoutMs: 10_000 });
  const call = established();
  sampleFor(60, () => echo.media.count(0, { rtcpReceived: 1 }));
  expect(lastCall()).toMatchObject({ to: 'established' });
  call.bye();
});

test('a held call is not ended, and is watched again from when it resumes (RFC 3264 §8.4)', () => {
  const { network, phone } = open({ mediaTimeoutMs: 10_000 });
  byesGet200();
  const call = established();
  const change = (direction: 'sendonly' | 'inactive' | 'sendrecv') => {
    call.invite(offerText({ direction }));
    network.run(50);
    call.ack();
    network.run(50);
  };
  for (const direction of ['sendonly', 'inactive'] as const) {
    change(direction);
    sampleFor(60);
    expect(phone.requests('BYE')).toHaveLength(0);
  }
  change('sendrecv');
  sampleFor(9);
  expect(phone.requests('BYE')).toHaveLength(0);
  sampleFor(2);
  expect(phone.requests('BYE')).toHaveLength(1);
});

test('a media timeout of 0 ends nothing', () => {
  open({ mediaTimeoutMs: 0 });
  const call = established();
  sampleFor(300);
  expect(lastCall()).toMatchObject({ to: 'established' });
  call.bye();
});

test('the end of a call says what was counted', () => {
  const { network, echo } = open();
  const call = established();
  echo.media.count(0, { packetsReceived: 10, packetsSent: 9, lost: 1, jitterMs: 1.2345, sendErrors: 2 });
  network.run(1_000);
  call.bye();
  network.run(50);
  expect(network.eventsOf(echo, 'media.stopped')).toMatchObject([
    { packetsReceived: 10, packetsSent: 9, lost: 1, jitterMs: 1.23, sendErrors: 2 },
  ]);
  expect(lastCall()?.durationMs).toBeWithin(1_000, 1_200);
});

test('latching, keys both ways and a file that fails are events of their call, and of none once it is over', () => {
  const { network, echo } = open();
  const call = established();
  const latched = { type: 'latched', slot: 0, address: '198.51.100.9', port: 5_555 } as const;
  network.feed(echo, { type: 'media', report: latched });
  network.feed(echo, { type: 'media', report: { type: 'dtmf', slot: 0, digit: '5', durationMs: 160 } });
  network.feed(echo, { type: 'media', report: { type: 'dtmf-sent', slot: 0, digit: '#', durationMs: 100 } });
  const failure = { code: 'play-failed', evidence: 'no.wav: no such file', cause: 'c', next: 'n' } as const;
  network.feed(echo, { type: 'media', report: { type: 'audio-failed', slot: 0, ...failure } });
  expect(network.eventsOf(echo, 'media.latched')).toMatchObject([
    { call: 'call-anna-echo-001', expectedAddress: '192.0.2.20', address: '198.51.100.9', port: 5_555 },
  ]);
  expect(network.eventsOf(echo, 'dtmf.received')).toMatchObject([{ digit: '5', durationMs: 160 }]);
  expect(network.eventsOf(echo, 'dtmf.sent')).toMatchObject([{ digit: '#', durationMs: 100, by: 'rtp' }]);
  expect(network.eventsOf(echo, 'diagnosis.raised')).toMatchObject([
    { call: 'call-anna-echo-001', severity: 'warning', ...failure },
  ]);
  call.bye();
  network.run(50);
  network.feed(echo, { type: 'media', report: latched });
  expect(network.eventsOf(echo, 'media.latched')).toHaveLength(1);
});
