/**
 * An INVITE as sloppy phones and RFC 2543 gateways write it: understood where only one reading is possible, refused
 * with a 400 that names the field and the byte where more than one is (RFC 3261 §8.2, §21.4.1; leniency.ts).
 */
import { expect, test } from 'bun:test';
import { offerText } from '../io/virtual-caller.ts';
import { ECHO_ADDRESS, echoScene, leftovers } from '../io/virtual-scene.ts';

const INVITE = [
  'INVITE sip:echo@192.0.2.10 SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.20:5060;rport;branch=z9hG4bKsloppy',
  'Max-Forwards: 70',
  'From: "Anna" <sip:anna@example.org>;tag=anna',
  'To: <sip:echo@192.0.2.10>',
  'Call-ID: sloppy@192.0.2.20',
  'CSeq: 1 INVITE',
  'Contact: <sip:anna@192.0.2.20:5060>',
  'Content-Type: application/sdp',
  `Content-Length: ${offerText().length}`,
];

/** Replaces the line that begins with the name, or takes it out. */
const line = (name: string, by?: string) => (lines: string[]) =>
  lines.flatMap((each) => (each.startsWith(name) ? (by === undefined ? [] : [by]) : [each]));

type Change = (lines: string[]) => string[];

/** The first line of the final response to a changed INVITE. */
function answerTo(change: Change, lineBreak = '\r\n'): string {
  const { network, echo, phone } = echoScene();
  const text = `${change([...INVITE]).join(lineBreak)}${lineBreak}${lineBreak}${offerText()}`;
  phone.sendBytes(ECHO_ADDRESS, new TextEncoder().encode(text));
  network.run(50);
  const final = network.sent.map((sent) => sent.text.split('\r\n', 1)[0] ?? '');
  const status = final.find((each) => /^SIP\/2\.0 [2-6]/.test(each)) ?? 'no answer';
  expect(leftovers(network, echo)).toEqual([]);
  return status.replace('SIP/2.0 ', '');
}

const UNDERSTOOD: Readonly<Record<string, Change>> = {
  'names in lower case': (lines) =>
    lines.map((each, at) => (at === 0 ? each : each.replace(/^[^:]+/, (name) => name.toLowerCase()))),
  'names in capitals': (lines) =>
    lines.map((each, at) => (at === 0 ? each : each.replace(/^[^:]+/, (name) => name.toUpperCase()))),
  'no Max-Forwards': line('Max-Forwards'),
  'no Content-Length': line('Content-Length'),
  'no space after the colon': (lines) => lines.map((each, at) => (at === 0 ? each : each.replace(': ', ':'))),
  'spaces before the colon': (lines) => lines.map((each, at) => (at === 0 ? each : each.replace(':', '  :'))),
  'spaces at the end of lines': (lines) => lines.map((each, at) => (at === 0 ? each : `${each} \t`)),
  'line breaks before the message': (lines) => ['', '', ...lines],
  'sip/2.0 in lower case': line('INVITE', 'INVITE sip:echo@192.0.2.10 sip/2.0'),
  'two spaces in Via': line('Via', 'Via: SIP/2.0/UDP   192.0.2.20:5060 ; rport ; branch = z9hG4bKsloppy'),
  'an underscore in the host of Via': line('Via', 'Via: SIP/2.0/UDP my_phone;branch=z9hG4bKsloppy'),
  'udp in lower case': line('Via', 'Via: SIP/2.0/udp 192.0.2.20;branch=z9hG4bKsloppy'),
  'no branch': line('Via', 'Via: SIP/2.0/UDP 192.0.2.20'),
  'a semicolon at the end of Via': line('Via', 'Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKsloppy;'),
  'no From tag': line('From', 'From: <sip:anna@example.org>'),
  'no <> around From': line('From', 'From: sip:anna@example.org;tag=anna'),
  'UTF-8 in an unquoted name': line('From', 'From: J\u00fcrgen (B\u00fcro) <sip:anna@example.org>;tag=anna'),
  'no space before <': line('From', 'From: "Anna"<sip:anna@example.org>;tag=anna'),
  'a tag with = and /': line('From', 'From: <sip:anna@example.org>;tag=a=b/c=='),
  'spaces around the parameters of From': line('From', 'From: <sip:anna@example.org> ; tag = anna'),
  'several spaces in CSeq': line('CSeq', 'CSeq:   1    INVITE'),
  'leading zeros in CSeq': line('CSeq', 'CSeq: 0001 INVITE'),
  'a Call-ID of any characters': line('Call-ID', 'Call-ID: {4711}/a;b,c@[192.0.2.20]'),
  'a semicolon at the end of Contact': line('Contact', 'Contact: <sip:anna@192.0.2.20:5060>;'),
  'no <> around Contact': line('Contact', 'Contact: sip:anna@192.0.2.20:5060'),
  'a Content-Type in capitals': line('Content-Type', 'Content-Type: Application/SDP'),
  'a Content-Type with a charset': line('Content-Type', 'Content-Type: application/sdp ;charset=utf-8'),
  'a field without a value': (lines) => [...lines, 'User-Agent:'],
  'a Supported with nothing in it': (lines) => [...lines, 'Supported: '],
  'a Date in no form at all': (lines) => [...lines, 'Date: 22/11/2026 04:40'],
  'a numeric user without domain sense': line('To', 'To: <sip:%2B4930@localhost;user=phone>'),
};

for (const [what, change] of Object.entries(UNDERSTOOD)) {
  test(`understood: ${what}`, () => {
    expect(answerTo(change)).toBe('200 OK');
  });
}

test('understood: lines that end with a line feed alone', () => {
  expect(answerTo((lines) => lines, '\n')).toBe('200 OK');
});

const REFUSED: Readonly<Record<string, readonly [Change, string]>> = {
  'a space in the name of a field': [(lines) => [...lines, 'User Agent: x'], 'byte \\d+: .*name of a header'],
  'a line without a colon': [(lines) => [...lines, 'garbage'], 'byte \\d+: .*colon'],
  'a line that begins with a colon': [(lines) => [...lines, ': x'], 'byte \\d+: .*name of a header'],
  'no To': [line('To'), 'To: no To'],
  'two From': [
    (lines) => [...lines, 'From: <sip:eve@example.org>;tag=e'],
    'From, byte \\d+: From stands twice',
  ],
  'a CSeq without a space': [line('CSeq', 'CSeq: 1INVITE'), 'CSeq, byte \\d+: '],
  'a CSeq of another method': [line('CSeq', 'CSeq: 1 invite'), 'CSeq, byte \\d+: '],
  'an open quote': [line('From', 'From: "Anna <sip:anna@example.org>;tag=anna'), 'From, byte \\d+: '],
  'an unquoted comma': [line('From', 'From: Kay, Anna <sip:anna@example.org>;tag=a'), 'From, byte \\d+: '],
  'a From without a scheme': [line('From', 'From: <anna@example.org>;tag=anna'), 'From, byte \\d+: '],
  'spaces inside <>': [line('To', 'To: < sip:echo@192.0.2.10 >'), 'To, byte \\d+: '],
  'an empty tag': [line('From', 'From: <sip:anna@example.org>;tag='), 'From, byte \\d+: '],
  'two semicolons': [line('Contact', 'Contact: <sip:anna@192.0.2.20>;;q=1'), 'Contact, byte \\d+: '],
  'a port of 0 in Contact': [line('Contact', 'Contact: <sip:anna@192.0.2.20:0>'), 'Contact, byte \\d+: '],
  'no Contact though the branch is of RFC 3261': [line('Contact'), 'Contact: no Contact'],
  'a Max-Forwards of words': [line('Max-Forwards', 'Max-Forwards: many'), 'Max-Forwards, byte \\d+: '],
  'a Content-Length beyond the end': [
    line('Content-Length', 'Content-Length: 5000'),
    'Content-Length, byte \\d+: ',
  ],
};

for (const [what, [change, place]] of Object.entries(REFUSED)) {
  test(`refused, with its place: ${what}`, () => {
    expect(answerTo(change)).toMatch(new RegExp(`^400 Bad Request \\(${place}.*\\)$`));
  });
}

test('a first line that is none has nobody to be answered to, and is dropped with a line', () => {
  expect(answerTo(line('INVITE', 'INVITE\tsip:echo@192.0.2.10 SIP/2.0'))).toBe('no answer');
});
