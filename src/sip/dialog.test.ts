import { expect, test } from 'bun:test';
import {
  acceptRequest,
  type Dialog,
  dialogAsClient,
  dialogAsServer,
  dialogKey,
  refreshTarget,
} from './dialog.ts';
import type { Result } from './result.ts';
import { routed } from './route-set.ts';
import { DATAGRAMS, read, readRequest, requestText } from './transaction-stage.ts';

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}

const CONTACT = { Contact: '<sip:100@192.0.2.1:5070;ob>' };
const PROXIES = {
  'Record-Route':
    '<sip:p3.lab.local;lr>, <sip:p2.lab.local;lr;ftag=1>\r\nRecord-Route: <sip:p1.lab.local;lr>',
};

/** The dialog that our answer to such an INVITE makes. */
function asServer(lines: Record<string, string> = {}): Dialog {
  const { message, core } = readRequest(requestText('INVITE', { ...CONTACT, CSeq: '40 INVITE', ...lines }));
  return must(dialogAsServer(message, core, 'ours', DATAGRAMS));
}

/** The response of the peer to an INVITE of ours. */
function responseText(status: number, lines: Record<string, string> = {}): string {
  const headers: Record<string, string> = {
    Via: 'SIP/2.0/UDP 198.51.100.1:5062;branch=z9hG4bK-ours-1',
    From: '"Us" <sip:100@lab.local>;tag=ours',
    To: '<sip:101@lab.local>;tag=theirs',
    'Call-ID': 'stage-1',
    CSeq: '7 INVITE',
    ...CONTACT,
    ...lines,
  };
  const head = Object.entries(headers).map(([name, value]) => (value === '' ? '' : `${name}: ${value}\r\n`));
  return `SIP/2.0 ${status} x\r\n${head.join('')}Content-Length: 0\r\n\r\n`;
}

/** The dialog that such a response makes. */
function asClient(status: number, lines: Record<string, string> = {}): Result<Dialog> {
  const from = '"Us" <sip:100@lab.local>;tag=ours';
  const text = requestText('INVITE', { From: from, To: '<sip:101@lab.local>', CSeq: '7 INVITE' });
  const invite = readRequest(text);
  const { message, core } = read(responseText(status, lines));
  if (message.kind !== 'response') throw new Error('a request');
  return dialogAsClient(invite.message, invite.core, message, core, DATAGRAMS);
}

test('a UAS keeps the routes in their order, the Contact as target, the number of the request (§12.1.1)', () => {
  const dialog = asServer(PROXIES);
  expect(dialog).toEqual({
    callId: 'stage-1',
    localTag: 'ours',
    remoteTag: 'peer',
    key: dialogKey('stage-1', 'ours', 'peer'),
    local: '<sip:echo@lab.local>;tag=ours',
    remote: '<sip:100@lab.local>;tag=peer',
    routeSet: ['<sip:p3.lab.local;lr>', '<sip:p2.lab.local;lr;ftag=1>', '<sip:p1.lab.local;lr>'],
    remoteTarget: 'sip:100@192.0.2.1:5070;ob',
    localSequence: 0,
    remoteSequence: 40,
    state: 'early',
    secure: false,
    flow: DATAGRAMS,
  });
});

test('a UAC keeps the routes in reverse, the Contact as target, its own number (§12.1.2)', () => {
  expect(must(asClient(200, PROXIES))).toEqual({
    callId: 'stage-1',
    localTag: 'ours',
    remoteTag: 'theirs',
    key: dialogKey('stage-1', 'ours', 'theirs'),
    local: '"Us" <sip:100@lab.local>;tag=ours',
    remote: '<sip:101@lab.local>;tag=theirs',
    routeSet: ['<sip:p1.lab.local;lr>', '<sip:p2.lab.local;lr;ftag=1>', '<sip:p3.lab.local;lr>'],
    remoteTarget: 'sip:100@192.0.2.1:5070;ob',
    localSequence: 7,
    remoteSequence: undefined,
    state: 'confirmed',
    secure: false,
    flow: DATAGRAMS,
  });
});

test('a provisional response makes an early dialog, a 2xx a confirmed one (§12.1)', () => {
  expect(must(asClient(180)).state).toBe('early');
  expect(must(asClient(202)).state).toBe('confirmed');
});

test('a peer of RFC 2543 has no tag: it counts as empty (§12.1.1)', () => {
  expect(asServer({ From: 'sip:100@lab.local' }).remoteTag).toBe('');
  expect(must(asClient(200, { To: 'sip:101@lab.local' })).remoteTag).toBe('');
});

test('without a Contact there is no target, and no dialog (§12.1.1, §8.1.1.8)', () => {
  const { message, core } = readRequest(requestText('INVITE'));
  const dialog = dialogAsServer(message, core, 'ours', DATAGRAMS);
  expect(dialog).toMatchObject({
    ok: false,
    error: { code: 'contact-missing', status: 400, header: 'Contact' },
  });
  expect(asClient(200, { Contact: '' })).toMatchObject({ ok: false, error: { code: 'contact-missing' } });
});

test('a malformed Record-Route makes no dialog, and says so with 400', () => {
  const text = requestText('INVITE', { ...CONTACT, 'Record-Route': '<sip:p1;lr>,,<sip:p2;lr>' });
  const { message, core } = readRequest(text);
  expect(dialogAsServer(message, core, 'ours', DATAGRAMS)).toMatchObject({
    ok: false,
    error: { status: 400 },
  });
});

test('Call-ID and both tags tell dialogs apart (§12)', () => {
  const keys = [
    dialogKey('a', 'b', 'c'),
    dialogKey('a', 'c', 'b'),
    dialogKey('x', 'b', 'c'),
    dialogKey('a', 'b', ''),
  ];
  expect(new Set(keys).size).toBe(4);
});

/** A request of the peer in a dialog. */
const within = (method: string, number: number) =>
  readRequest(requestText(method, { CSeq: `${number} ${method}` })).core;

test('a CSeq must rise; a gap is no mistake (§12.2.2)', () => {
  const dialog = asServer();
  expect(acceptRequest(dialog, within('OPTIONS', 41), DATAGRAMS).ok).toBe(true);
  expect(acceptRequest(dialog, within('BYE', 90), DATAGRAMS).ok).toBe(true);
  expect(dialog.remoteSequence).toBe(90);
  const late = acceptRequest(dialog, within('OPTIONS', 42), DATAGRAMS);
  expect(late).toMatchObject({ ok: false, error: { code: 'cseq-out-of-order', status: 500 } });
  expect(acceptRequest(dialog, within('OPTIONS', 90), DATAGRAMS).ok).toBe(false);
  expect(dialog.remoteSequence).toBe(90);
});

test('ACK and CANCEL carry the number of their INVITE and change none (§12.2.1.1)', () => {
  const dialog = asServer();
  expect(acceptRequest(dialog, within('ACK', 40), DATAGRAMS).ok).toBe(true);
  expect(acceptRequest(dialog, within('CANCEL', 40), DATAGRAMS).ok).toBe(true);
  expect(dialog.remoteSequence).toBe(40);
});

test('the first request of a peer that we called sets its number (§12.2.2)', () => {
  const dialog = must(asClient(200));
  expect(acceptRequest(dialog, within('BYE', 1), DATAGRAMS).ok).toBe(true);
  expect(dialog.remoteSequence).toBe(1);
});

test('an accepted request moves the flow to where it came from, a refused one does not', () => {
  const dialog = asServer();
  const elsewhere = { transport: 'udp', remote: { address: '192.0.2.1', port: 6060 } } as const;
  acceptRequest(dialog, within('OPTIONS', 41), elsewhere);
  expect(dialog.flow).toBe(elsewhere);
  acceptRequest(dialog, within('OPTIONS', 41), DATAGRAMS);
  expect(dialog.flow).toBe(elsewhere);
});

test('a re-INVITE may move the target, never the routes (§12.2)', () => {
  const dialog = asServer(PROXIES);
  const moved = { Contact: '<sip:100@192.0.2.9>', 'Record-Route': '<sip:evil.lab.local;lr>' };
  refreshTarget(dialog, readRequest(requestText('INVITE', moved)).message);
  expect(dialog.remoteTarget).toBe('sip:100@192.0.2.9');
  expect(dialog.routeSet).toHaveLength(3);
  refreshTarget(dialog, readRequest(requestText('INVITE')).message);
  refreshTarget(dialog, readRequest(requestText('INVITE', { Contact: '*' })).message);
  expect(dialog.remoteTarget).toBe('sip:100@192.0.2.9');
});

test('without routes a request goes to the target (§12.2.1.1)', () => {
  const target = 'sip:100@192.0.2.1:5070;ob';
  expect(routed(asServer())).toEqual({ requestUri: target, routes: [], next: target });
});

test('past a loose router the target is the Request-URI, and the first route is where it goes (§12.2.1.1)', () => {
  const dialog = asServer({ 'Record-Route': '"P" <sip:p1.lab.local;lr=on>, <sip:p2.lab.local>' });
  expect(routed(dialog)).toEqual({
    requestUri: 'sip:100@192.0.2.1:5070;ob',
    routes: ['"P" <sip:p1.lab.local;lr=on>', '<sip:p2.lab.local>'],
    next: 'sip:p1.lab.local;lr=on',
  });
});

test('a strict router is the Request-URI and where it goes, the target is the last route (§12.2.1.1)', () => {
  const dialog = asServer({
    'Record-Route': '<sip:p1.lab.local;method=INVITE;a=b?Subject=x>, <sip:p2.lab.local;lr>',
  });
  expect(routed(dialog)).toEqual({
    requestUri: 'sip:p1.lab.local;a=b',
    routes: ['<sip:p2.lab.local;lr>', '<sip:100@192.0.2.1:5070;ob>'],
    next: 'sip:p1.lab.local;method=INVITE;a=b?Subject=x',
  });
});

test('an INVITE whose To has no room for our tag makes no dialog: the BYE of it could not be written (§12.1.1)', () => {
  const to = (count: number) =>
    `<sip:echo@lab.local>${Array.from({ length: count }, (_, at) => `;p${at}=1`).join('')}`;
  const dialogTo = (count: number) => {
    const text = requestText('INVITE', { ...CONTACT, To: to(count) });
    const { message, core } = readRequest(text);
    return dialogAsServer(message, core, 'ours', DATAGRAMS);
  };
  expect(dialogTo(31)).toMatchObject({ ok: true });
  expect(dialogTo(32)).toMatchObject({ ok: false, error: { code: 'too-many-parameters', status: 400 } });
});

test('an RFC 2543 caller without Contact is reached at its From; one of RFC 3261 is refused (leniency contact-missing)', () => {
  const from = { From: '<sip:+49301@gw.example.org;user=phone>' };
  const old = readRequest(requestText('INVITE', { ...from, Via: 'SIP/2.0/UDP gw.example.org' }));
  expect(must(dialogAsServer(old.message, old.core, 'ours', DATAGRAMS)).remoteTarget).toBe(
    'sip:+49301@gw.example.org;user=phone',
  );
  const newer = readRequest(requestText('INVITE', from));
  expect(dialogAsServer(newer.message, newer.core, 'ours', DATAGRAMS)).toMatchObject({
    ok: false,
    error: { code: 'contact-missing', status: 400 },
  });
});
