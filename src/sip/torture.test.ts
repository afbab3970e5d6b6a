/**
 * Every torture message of RFC 4475 and RFC 5118 at an echo (fixtures/torture): the verdict that the RFC asks for,
 * an echo that still answers afterwards, and nothing left behind.
 */
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { TORTURE_CASES, type TortureCase } from '../../fixtures/torture/cases.ts';
import { ECHO_ADDRESS, type EchoScene, echoScene, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';

const FOLDER = new URL('../../fixtures/torture/', import.meta.url);

const bytesOfCase = ({ name }: TortureCase) => new Uint8Array(readFileSync(new URL(`${name}.dat`, FOLDER)));

/** The statuses of the final responses that the echo sent since `from`, each message once. */
function finalStatuses({ network }: EchoScene, from = 0): number[] {
  const texts = network.sent
    .slice(from)
    .filter((sent) => sent.from === 'echo' && sent.text.startsWith('SIP/2.0 '))
    .map(({ text }) => text);
  return [...new Set(texts)].map((text) => Number(text.slice(8, 11))).filter((status) => status >= 200);
}

/** OPTIONS from somebody else, to see that the echo lives. */
function stillAnswers(scene: EchoScene): boolean {
  const before = scene.network.sent.length;
  scene.phone.request(ECHO_ADDRESS, 'OPTIONS', 'sip:echo@192.0.2.10', [
    ['Via', `SIP/2.0/UDP ${PHONE_ADDRESS.address};branch=z9hG4bKalive`],
    ['From', '<sip:anna@example.org>;tag=alive'],
    ['To', '<sip:echo@192.0.2.10>'],
    ['Call-ID', 'alive'],
    ['CSeq', '1 OPTIONS'],
  ]);
  scene.network.run(50);
  return finalStatuses(scene, before).includes(200);
}

test.each(TORTURE_CASES.map((each) => [`${each.name}: ${each.about} (${each.section})`, each] as const))(
  '%s',
  (_, each) => {
    const scene = echoScene({ defaultAddresses: { ipv4: ECHO_ADDRESS.address, ipv6: '2001:db8::10' } });
    scene.phone.sendBytes(ECHO_ADDRESS, bytesOfCase(each));
    scene.network.run(50);
    const statuses = finalStatuses(scene);
    expect(statuses).toEqual(each.status === 0 ? [] : [each.status]);
    const rejected = scene.network.eventsOf(scene.echo, 'sip.rejected').map(({ code }) => code);
    expect(rejected).toEqual(each.code === undefined ? [] : [each.code]);
    expect(stillAnswers(scene)).toBe(true);
    // Nobody acknowledges a call and nobody answers its BYE: it ends all the same.
    expect(leftovers(scene.network, scene.echo)).toEqual([]);
  },
);

test('a registrar understands every valid REGISTER, and asks for credentials that it knows (RFC 4475 §3.3.7)', () => {
  const registrar = { domain: 'example.com', users: [{ user: 'anna', password: 'secret' }] };
  const due: Record<string, number> = { unksm2: 400, scalar02: 400, regbadct: 400, 'ipv6-bad': 400 };
  let asked = 0;
  for (const each of TORTURE_CASES) {
    if (!new TextDecoder('latin1').decode(bytesOfCase(each)).startsWith('REGISTER ')) continue;
    asked += 1;
    const scene = echoScene({ registrar });
    scene.phone.sendBytes(ECHO_ADDRESS, bytesOfCase(each));
    scene.network.run(50);
    expect([each.name, finalStatuses(scene)]).toEqual([each.name, [due[each.name] ?? 401]]);
    expect(leftovers(scene.network, scene.echo)).toEqual([]);
  }
  expect(asked).toBe(13);
});

test('every file has its verdict, and there are as many as in the RFCs (RFC 4475, RFC 5118)', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.dat'));
  expect(files.sort()).toEqual(TORTURE_CASES.map(({ name }) => `${name}.dat`).sort());
  expect(TORTURE_CASES.filter(({ section }) => section.includes('4475'))).toHaveLength(49);
  expect(TORTURE_CASES.filter(({ section }) => section.includes('5118'))).toHaveLength(12);
});
