/** Files of raw messages: where one ends and the next begins, and what the lines above them say. */
import { expect, test } from 'bun:test';
import { sipFixture, sipFixtureNames } from '../../fixtures/sip/read.ts';
import { readRawMessages, showsMessages } from './raw-messages.ts';

const BYE = sipFixture('bye');
const INVITE = sipFixture('invite-two-proxies');
const texts = (file: Uint8Array) =>
  readRawMessages(file).map(({ bytes }) => Buffer.from(bytes).toString('latin1'));
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

test('a file that is one message is that message, byte for byte', () => {
  for (const name of sipFixtureNames()) expect(texts(sipFixture(name))).toEqual([latin1(sipFixture(name))]);
});

test('messages stand one after another: each ends by its Content-Length, or where the next begins', () => {
  expect(texts(Buffer.concat([INVITE, BYE, INVITE]))).toEqual([INVITE, BYE, INVITE].map(latin1));
  const between = Buffer.from('\r\n\r\n');
  expect(texts(Buffer.concat([BYE, between, BYE]))).toHaveLength(2);
});

test('a body that looks like a message is none while its Content-Length is true (RFC 3420)', () => {
  const body = 'SIP/2.0 180 Ringing\r\n';
  const notify = `NOTIFY sip:a@b SIP/2.0\r\nContent-Type: message/sipfrag\r\nl: ${body.length}\r\n\r\n${body}`;
  expect(texts(Buffer.from(notify + latin1(BYE)))).toEqual([notify, latin1(BYE)]);
});

test('the line above a message says who sent it, when and over what; any part may be left out', () => {
  const file = [
    '# two of them\n--- received from 192.0.2.1:5080 tcp at 12.5\n',
    latin1(BYE).replaceAll('\r\n', '\n'),
    '--- sent to [2001:db8::1]:5060\n',
    latin1(BYE).replaceAll('\r\n', '\n'),
    '--- at 40\n',
    latin1(BYE).replaceAll('\r\n', '\n'),
  ].join('');
  const [first, second, third] = readRawMessages(Buffer.from(file, 'latin1'));
  expect(first).toMatchObject({
    direction: 'received',
    source: { address: '192.0.2.1', port: 5080 },
    transport: 'tcp',
    atMs: 12.5,
  });
  expect(second).toMatchObject({
    direction: 'sent',
    destination: { address: '2001:db8::1', port: 5060 },
    transport: 'udp',
    atMs: 12.5,
  });
  expect(third).toMatchObject({ atMs: 40, transport: 'udp' });
  expect(third?.direction).toBeUndefined();
});

test('an empty line that an editor took away is put back', () => {
  const cut = latin1(BYE).trimEnd();
  expect(texts(Buffer.from(cut))).toEqual([`${cut}\r\n\r\n`]);
});

test('a boundary of a multipart body is no heading', () => {
  const body = '--frontier\r\nContent-Type: text/plain\r\n\r\nhello\r\n--frontier--\r\n';
  const message = `MESSAGE sip:a@b SIP/2.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  expect(texts(Buffer.from(message))).toEqual([message]);
});

test('a file of nothing has no messages', () => {
  for (const text of ['', '\n\n', '# only a comment\n', '---\n'])
    expect(readRawMessages(Buffer.from(text))).toEqual([]);
});

test('a text without any sign of SIP is not taken for malformed messages', () => {
  const shows = (text: string) => showsMessages(Buffer.from(text));
  for (const text of [
    '# A page\n\nabout SIP/2.0 and more.\n',
    '--- a/file\n+++ b/file\n',
    'Default: none\n',
  ]) {
    expect(shows(text)).toBeFalse();
  }
  for (const text of [
    'INVITE sip:a@b SIP/3.0\n',
    'SIP/2.0 200 OK',
    '--- sent\n?',
    'nonsense\r\nv: here\r\n',
    'x sip/2\r\n',
  ]) {
    expect(shows(text)).toBeTrue();
  }
});
