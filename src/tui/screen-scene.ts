/**
 * Events as a service says them, for the tests of the screen: an account, four calls (one with a name in Chinese, one
 * whose name tries to move the cursor, one on hold, one that ended), loss, silence and a diagnosis.
 */
import type { Event, EventBody } from '../events.ts';
import { applyEvent, type Model, newModel } from './model.ts';

/** A model that has heard the scene, and the events themselves. */
export function scene(): { readonly model: Model; readonly events: readonly Event[] } {
  const events: Event[] = [];
  let atMs = 0;
  const say = (body: EventBody, inMs = 10) => {
    atMs += inMs;
    events.push({ v: 1, seq: events.length + 1, atMs, ...body });
  };
  say({ type: 'session.started', version: '0.2.0', wallTime: '2026-01-02T10:00:00.000Z', configuration: {} });
  say({ type: 'address.discovered', scope: 'local', address: '192.0.2.10', learnedBy: 'route' });
  say({ type: 'listener.opened', transport: 'udp', address: '::', port: 5060 });
  say({ type: 'listener.opened', transport: 'tcp', address: '::', port: 5060 });
  say({ type: 'registration.changed', account: 'sip:echo@lab.local', from: 'idle', to: 'registering' });
  say({
    type: 'sip.sent',
    transport: 'tcp',
    remote: '192.0.2.1:5060',
    startLine: 'REGISTER sip:lab.local SIP/2.0',
    callId: 'registration',
    cseq: '1 REGISTER',
    bytes: 360,
  });
  say({
    type: 'registration.changed',
    account: 'sip:echo@lab.local',
    from: 'registering',
    to: 'registered',
    callId: 'registration',
    expiresS: 3600,
    renewInMs: 3_590_000,
    status: 200,
  });
  call(say, { number: 1, peer: 'sip:100@lab.local', name: 'Anna Berg', lost: 0 });
  call(say, { number: 2, peer: 'sip:101@lab.local', name: '王小明 café', lost: 40 });
  call(say, { number: 3, peer: 'sip:102@lab.local', name: '\u001b[2J\u001b]0;owned\u0007Mallory', lost: 0 });
  say({
    type: 'diagnosis.raised',
    call: 'call-103-echo-003',
    code: 'no-audio-received',
    severity: 'warning',
    evidence: 'no RTP and no RTCP has come to port 10004 in 5 s',
    cause: "the caller's SDP names a private address, and nothing was sent from it",
    next: 'look at its NAT settings: STUN, or the external address of the PBX',
  });
  say({ ...changed(2, 'sip:101@lab.local'), from: 'established', to: 'held' });
  call(say, { number: 4, peer: 'sip:104@lab.local', name: undefined, lost: 0 });
  say(
    { ...changed(4, 'sip:104@lab.local'), from: 'established', to: 'terminated', reason: 'BYE received' },
    61_000,
  );
  const model = newModel();
  for (const event of events) applyEvent(model, event);
  return { model, events };
}

function changed(number: number, peer: string) {
  const user = /^sip:(\d+)@/.exec(peer)?.[1] ?? '';
  const handle = `call-10${user === '102' ? 3 : user.slice(2)}-echo-00${number}`;
  return {
    type: 'call.changed',
    call: handle,
    callId: `${number}-abc@host`,
    direction: 'incoming',
    peer,
  } as const;
}

function call(
  say: (body: EventBody, inMs?: number) => void,
  about: {
    readonly number: number;
    readonly peer: string;
    readonly name: string | undefined;
    readonly lost: number;
  },
): void {
  const { number, peer, name, lost } = about;
  const base = { ...changed(number, peer), ...(name === undefined ? {} : { displayName: name }) };
  const handle = base.call;
  const line = {
    call: handle,
    transport: 'udp',
    remote: '192.0.2.20:5060',
    callId: base.callId,
    bytes: 480,
  } as const;
  const branch = `z9hG4bK${number}`;
  const sdp = (host: string, port: number, codecs: string) =>
    `\r\n\r\nv=0\r\no=- 1 1 IN IP4 ${host}\r\ns=-\r\nc=IN IP4 ${host}\r\nt=0 0\r\nm=audio ${port} RTP/AVP ${codecs}\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n`;
  const raw = `INVITE sip:echo@lab.local SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20;branch=${branch}${sdp('192.0.2.20', 4000, '0 8 101')}`;
  const ok = `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.20;branch=${branch}${sdp('192.0.2.10', 10_000, '0 101')}`;
  say({
    type: 'sip.received',
    startLine: 'INVITE sip:echo@lab.local SIP/2.0',
    cseq: '1 INVITE',
    branch,
    raw,
    ...line,
  });
  const id = `ist-${number}`;
  const transaction = {
    type: 'transaction.changed',
    call: handle,
    id,
    kind: 'invite-server',
    method: 'INVITE',
  } as const;
  say({ ...transaction, from: 'none', to: 'proceeding', cause: 'INVITE received' });
  say({ ...base, from: 'idle', to: 'ringing' });
  say({ type: 'sip.sent', startLine: 'SIP/2.0 180 Ringing', cseq: '1 INVITE', branch, ...line });
  say({ type: 'sip.sent', startLine: 'SIP/2.0 200 OK', cseq: '1 INVITE', branch, raw: ok, ...line });
  say({ ...transaction, from: 'proceeding', to: 'accepted', cause: '200 sent' });
  say({ type: 'timers.changed', call: handle, transaction: id, timers: [{ name: 'Timer L', inMs: 90_000 }] });
  say({ type: 'sip.sent', startLine: 'SIP/2.0 200 OK', cseq: '1 INVITE', branch, raw: ok, ...line }, 500);
  say({
    type: 'sip.received',
    startLine: 'ACK sip:echo@192.0.2.10 SIP/2.0',
    cseq: '1 ACK',
    branch: `${branch}a`,
    ...line,
  });
  say({
    type: 'media.started',
    call: handle,
    codec: 'PCMU',
    payloadType: 0,
    localAddress: '192.0.2.10',
    localPort: 10_000 + 2 * (number - 1),
    remoteAddress: '192.0.2.20',
    remotePort: 4000,
    direction: 'sendrecv',
    rtcp: 'separate',
  });
  say({ ...base, from: 'ringing', to: 'established' });
  if (number === 3) return;
  say({ type: 'media.latched', call: handle, address: '192.0.2.20', port: 4000 });
  for (let sample = 1; sample <= 8; sample++) {
    say(
      {
        type: 'media.sampled',
        call: handle,
        packetsReceived: 25 * sample,
        packetsSent: 25 * sample,
        bytesReceived: 4000 * sample,
        bytesSent: 4000 * sample,
        lost,
        reordered: 0,
        jitterMs: 1.25 * number,
        packetsReceivedPerS: 50 - sample * number,
        packetsSentPerS: 50 - sample * number,
      },
      500,
    );
  }
}
