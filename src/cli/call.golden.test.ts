/**
 * The transcript of `ringback call`, plain and JSON, for success and for every way to fail, as files that a person
 * reads: fixtures/golden/call-<what>.txt and .jsonl. Virtual time and one seed, so they are the same to the byte.
 *
 * `UPDATE_GOLDEN=1` writes them anew; read the difference before committing it.
 */
import { afterEach, expect, test } from 'bun:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Event, streamEvent } from '../events.ts';
import { ANSWER, CALLER_ADDRESS, type CallingScene, callingScene, DESCRIBED } from '../io/virtual-calling.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import { accountOf, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import { jsonLine } from '../report/json.ts';
import { plainReporter } from '../report/plain-reporter.ts';
import type { Action } from '../sip/endpoint-io.ts';
import type { HeaderLine } from '../sip/serialize-message.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { judgeCall } from './outcome.ts';
import { isShown } from './transcript.ts';

const FOLDER = join(import.meta.dir, '../../fixtures/golden');
const PATIENCE_MS = 240_000;

let scene: CallingScene;

interface Told {
  /** What the phone and its network do, from the first INVITE on. */
  readonly play: () => void;
  readonly to?: string;
  /** Who calls; 100. Null is nobody in particular. */
  readonly from?: string | null;
  /** The name of 100's server; the phone's address when not said. */
  readonly server?: string;
  readonly about?: Partial<Extract<Action, { type: 'call' }>>;
  readonly code: ExitCode;
}

/** Calls 101@lab.local as 100, whose server is where the phone is, and compares what is told with the files. */
function story(
  name: string,
  { play, to = '101@lab.local', from = '100', server, about = {}, code }: Told,
): void {
  test(`${name}: exit code ${code}`, () => {
    const own = { ...PHONE_ADDRESS, host: server ?? PHONE_ADDRESS.address, transport: 'udp' } as const;
    const accounts = from === null ? [] : [accountOf('100', { server: own })];
    scene = callingScene({ accounts }, [10_000, 10_002]);
    scene.network.names.set('server.example', ['192.0.2.99', PHONE_ADDRESS.address]);
    scene.call(to, { ...(from === null ? {} : { from }), repeatable: true, ...about });
    play();
    // What a call that stands does then is another command's.
    if (scene.last()?.to !== 'established') scene.network.run(PATIENCE_MS);
    const events = scene.network.events.filter(({ type }) => type !== 'listener.opened');
    const { take } = judgeCall(false);
    const [outcome] = events.flatMap((event) => take(event) ?? []);
    expect(outcome?.code).toBe(code);
    compare(`call-${name}.txt`, plain(events, code));
    compare(
      `call-${name}.jsonl`,
      events.map((event, index) => jsonLine({ ...event, seq: index + 1 })).join('\n'),
    );
    for (const event of events) expect(streamEvent.safeParse(event).error).toBeUndefined();
  });
}

/** As the command writes it: messages, states and what is wrong, nothing else. */
function plain(events: readonly Event[], exitCode: ExitCode): string {
  const report = plainReporter({ level: 0, style: 'transcript', color: false, showTime: false });
  const lines = events.flatMap((event) => (isShown(event, 0) ? (report(event) ?? []) : []));
  return [...lines, `[EXIT] code=${exitCode}`].join('\n');
}

function compare(name: string, actual: string): void {
  const file = join(FOLDER, name);
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, `${actual}\n`);
  expect(existsSync(file)).toBe(true);
  expect(`${actual}\n`).toBe(readFileSync(file, 'utf8'));
}

afterEach(() => {
  scene.ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(scene.network, scene.ours)).toEqual([]);
});

const respond = (
  status: number,
  parts: Parameters<CallingScene['respond']>[1] = { toTag: 'bob' },
  index = 0,
) => scene.respond(status, parts, index);
const hangUp = () => scene.ours.act({ type: 'hangup-all' });
const challenge = (name: string, nonce: string) => ({
  toTag: 'p',
  headers: [[name, `Digest realm="lab.local", nonce="${nonce}", qop="auth"`] as HeaderLine],
});
const reliable: readonly HeaderLine[] = [
  ['Contact', '<sip:bob@192.0.2.20>'],
  ['Require', '100rel'],
  ['RSeq', '1'],
];
/** 100 and 180, as nearly every phone begins. */
const rings = () => {
  respond(100);
  respond(180);
};

story('established', {
  code: EXIT.done,
  play: () => {
    rings();
    respond(200, ANSWER);
  },
});

story('hung-up', {
  code: EXIT.done,
  play: () => {
    rings();
    respond(200, ANSWER);
    hangUp();
    scene.network.run(100);
  },
});

story('challenged-twice', {
  code: EXIT.done,
  play: () => {
    respond(407, challenge('Proxy-Authenticate', 'p1'));
    respond(401, challenge('WWW-Authenticate', 'w1'), 1);
    respond(200, ANSWER, 2);
  },
});

story('forked', {
  code: EXIT.done,
  play: () => {
    respond(180, { toTag: 'carol' });
    respond(183, { ...DESCRIBED, toTag: 'bob' });
    respond(200, ANSWER);
    respond(200, { ...ANSWER, toTag: 'carol' });
  },
});

story('reliable', {
  code: EXIT.done,
  play: () => {
    respond(180, { toTag: 'bob', headers: reliable });
    respond(180, { toTag: 'bob', headers: reliable });
    respond(200, ANSWER);
  },
});

story('redirected', {
  code: EXIT.done,
  play: () => {
    const other = new VirtualPeer(scene.network, 'other', { address: '192.0.2.40', port: 5060 });
    other.answering = ({ method }) => (method === 'INVITE' ? { status: 200, ...ANSWER } : undefined);
    respond(302, {
      toTag: 'p',
      headers: [['Contact', '<tel:+4930123>;q=1, <sip:bob@192.0.2.40>;q=0.5']],
    });
    scene.network.run(100);
  },
});

story('next-address', { server: 'server.example', code: EXIT.done, play: () => respond(200, ANSWER) });

story('no-address', { server: 'nowhere.example', code: EXIT.network, play: () => {} });

story('no-account', { from: '200', code: EXIT.usage, play: () => {} });

story('no-uri', { to: 'tel:+4930123', code: EXIT.usage, play: () => {} });

for (const [name, status] of [
  ['not-found', 404],
  ['busy', 486],
  ['server-error', 500],
  ['declined', 603],
] as const) {
  story(name, {
    code: EXIT.peerRefused,
    play: () => {
      rings();
      respond(status);
    },
  });
}

story('wrong-password', {
  code: EXIT.authenticationRefused,
  play: () => {
    respond(407, challenge('Proxy-Authenticate', 'p1'));
    respond(407, challenge('Proxy-Authenticate', 'p2'), 1);
  },
});

story('silence', { code: EXIT.timeout, play: () => {} });

story('rang-out', {
  code: EXIT.timeout,
  about: { ringTimeoutMs: 20_000 },
  play: () => {
    rings();
    scene.network.run(20_000);
    respond(487);
  },
});

story('late-answer', {
  code: EXIT.timeout,
  about: { ringTimeoutMs: 20_000 },
  play: () => {
    rings();
    scene.network.run(20_000);
    respond(200, ANSWER);
  },
});

story('cancelled', {
  code: EXIT.interrupted,
  play: () => {
    rings();
    hangUp();
    scene.network.run(50);
    respond(487);
  },
});

story('nobody-there', {
  to: 'sip:bob@192.0.2.99',
  from: null,
  code: EXIT.network,
  play: () => {},
});

story('server-busy', {
  code: EXIT.peerRefused,
  play: () => {
    const busy = { toTag: 'p', headers: [['Retry-After', '5'] as HeaderLine] };
    respond(503, busy);
    scene.network.run(5_000);
    respond(503, busy, 1);
  },
});

story('answer-unusable', {
  code: EXIT.media,
  play: () => {
    const body = ANSWER.body?.replaceAll(/m=audio .*/g, 'm=audio 0 RTP/AVP 0');
    respond(200, { ...ANSWER, body });
  },
});

story('malformed-response', {
  code: EXIT.done,
  play: () => {
    scene.phone.sendText(
      CALLER_ADDRESS,
      'SIP/2.0 2OO OK\nVia: SIP/2.0/UDP 192.0.2.30\nFrom: <sip:a@b>\nTo: <sip:b@c>\nCall-ID: x\nCSeq: 1 INVITE\n\n',
    );
    scene.network.run(50);
    respond(200, ANSWER);
  },
});

story('wrong-tag', {
  code: EXIT.done,
  play: () => {
    const { message } = scene.invite();
    const headers = message.headers.map((header) =>
      header.name === 'From' ? { ...header, value: '<sip:100@lab.local>;tag=somebody' } : header,
    );
    scene.phone.respond({ ...scene.invite(), message: { ...message, headers } }, 200, ANSWER);
    scene.network.run(50);
    respond(200, ANSWER);
  },
});
