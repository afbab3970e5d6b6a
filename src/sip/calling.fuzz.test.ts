/**
 * A callee that answers anything in any order, and a caller that hangs up at any moment (RFC 3261 §13.2.2): whatever
 * they do, a call ends once, nothing is acknowledged that was not accepted, nobody who accepted is left in the call,
 * and nothing is left behind.
 */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { ANSWER, type CallingScene, callingScene, withAccount } from '../io/virtual-calling.ts';
import { leftovers } from '../io/virtual-scene.ts';
import { value } from './message.ts';
import type { HeaderLine, ResponseParts } from './serialize-message.ts';

/** What a callee may say, with the tag of one of three phones. */
interface Said {
  readonly status: number;
  readonly toTag: string;
  readonly rseq: number | undefined;
  readonly contact: string | undefined;
  readonly described: boolean;
  readonly retryAfter: number | undefined;
}

const STATUSES = [100, 180, 183, 199, 200, 200, 202, 302, 401, 407, 408, 422, 486, 487, 500, 503, 603];

const said: fc.Arbitrary<Said> = fc.record({
  status: fc.constantFrom(...STATUSES),
  toTag: fc.constantFrom('anna', 'bob', 'carol'),
  rseq: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  contact: fc.constantFrom('<sip:bob@192.0.2.20>', '<sip:carol@192.0.2.20>', '<sip:@>', undefined),
  described: fc.boolean(),
  retryAfter: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
});

/** A response, a hang-up (null), or so many ms. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: said },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 40_000 }) },
  ),
  { minLength: 1, maxLength: 12 },
);

const CHALLENGE = 'Digest realm="lab.local", nonce="n", qop="auth"';

function partsOf({ toTag, rseq, contact, described, retryAfter }: Said): ResponseParts {
  const headers: HeaderLine[] = [
    ['WWW-Authenticate', CHALLENGE],
    ['Proxy-Authenticate', CHALLENGE],
    ['Min-SE', '1900'],
  ];
  if (contact !== undefined) headers.push(['Contact', contact]);
  if (rseq !== undefined) headers.push(['Require', '100rel'], ['RSeq', `${rseq}`]);
  if (retryAfter !== undefined) headers.push(['Retry-After', `${retryAfter}`]);
  if (described) headers.push(['Content-Type', 'application/sdp']);
  return { toTag, headers, ...(described && ANSWER.body !== undefined ? { body: ANSWER.body } : {}) };
}

/** Each request of that method once, whatever was repeated: its To tag and its CSeq. */
function told({ phone }: CallingScene, method: string) {
  const byBranch = new Map(
    phone.requests(method).map((one) => [value(one.message, 'Via') ?? '', one.message]),
  );
  return [...byBranch].map(([via, message]) => ({
    via,
    tag: /;tag=(.*)/.exec(value(message, 'To') ?? '')?.[1] ?? '',
    number: Number.parseInt(value(message, 'CSeq') ?? '', 10),
    rack: value(message, 'RAck'),
  }));
}

function play(scene: CallingScene, script: readonly (Said | null | number)[]): Set<string> {
  const accepted = new Set<string>();
  scene.call('sip:bob@lab.local', { durationMs: 60_000 });
  for (const one of script) {
    if (one === null) scene.ours.act({ type: 'hangup-all' });
    else if (typeof one === 'number') scene.network.run(one);
    else {
      if (one.status >= 200 && one.status < 300) accepted.add(one.toTag);
      scene.respond(one.status, partsOf(one), scene.phone.requests('INVITE').length - 1);
    }
  }
  return accepted;
}

test('whatever a callee says, the call ends once and leaves nothing (§13.2.2)', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const scene = callingScene(withAccount());
      const accepted = play(scene, script);
      // What was never answered rings out by itself: nobody has to stop us for that.
      scene.network.run(400_000);
      expect(scene.states().filter((to) => to === 'terminated')).toHaveLength(1);
      const invites = told(scene, 'INVITE');
      const numbers = invites.map(({ number }) => number);
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      const branches = new Set(invites.map(({ via }) => via));
      const acknowledged = told(scene, 'ACK').filter(({ via }) => !branches.has(via));
      for (const { tag } of acknowledged) expect(accepted).toContain(tag);
      expect(new Set(told(scene, 'BYE').map(({ tag }) => tag))).toEqual(
        new Set(acknowledged.map(({ tag }) => tag)),
      );
      const racks = told(scene, 'PRACK').map(({ tag, rack }) => `${tag} ${rack}`);
      expect(racks).toEqual([...new Set(racks)]);
      scene.ours.act({ type: 'stop', reason: 'the end' });
      expect(leftovers(scene.network, scene.ours)).toEqual([]);
    }),
    fuzz(40),
  );
});
