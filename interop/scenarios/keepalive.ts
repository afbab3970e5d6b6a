/**
 * OPTIONS that keep a way open, and a registrar that asks each of them who it is (RFC 3261 §22.2): a peer written by hand,
 * because Kamailio answers OPTIONS to itself. It counts failed logins, as what bans addresses does.
 */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { check, type Lab, LOOPBACK, until } from '../lab.ts';
import { startRingback } from '../ringback.ts';
import type { Scenario } from '../scenario.ts';

const PASSWORD = 'secret';
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

/** Takes any REGISTER, and OPTIONS with the right digest of its one nonce. */
async function startRegistrar(lab: Lab) {
  const counted = { asked: 0, challenged: 0, wrong: 0, right: 0 };
  const socket = createSocket('udp4');
  lab.defer(() => void socket.close());
  await new Promise<void>((resolve) => socket.bind(0, LOOPBACK, resolve));
  socket.on('message', (bytes, { port }) => {
    const text = bytes.toString('latin1');
    const field = (name: string) => new RegExp(`^${name}: (.*)\r$`, 'm').exec(text)?.[1] ?? '';
    const [method = ''] = text.split(' ', 1);
    let answer = `200 OK\r\nContact: ${field('Contact')};expires=60`;
    if (method === 'OPTIONS') {
      counted.asked += 1;
      const sent = new Map(
        [...field('Authorization').matchAll(/(\w+)="?([^",]*)/g)].map(([, k, v]) => [k, v]),
      );
      const of = (name: string) => sent.get(name) ?? '';
      const ha2 = md5(`OPTIONS:${of('uri')}`);
      const due = md5(`${md5(`100:lab:${PASSWORD}`)}:n1:${of('nc')}:${of('cnonce')}:${of('qop')}:${ha2}`);
      if (of('response') === due) counted.right += 1;
      else {
        if (sent.size > 0) counted.wrong += 1;
        counted.challenged += 1;
        answer = '401 Unauthorized\r\nWWW-Authenticate: Digest realm="lab", nonce="n1", qop="auth"';
      }
    }
    const [status, extra] = answer.split('\r\n');
    const same = ['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${field(name)}\r\n`).join('');
    const head = `SIP/2.0 ${status}\r\n${same}To: ${field('To')};tag=r\r\n${extra}\r\nContent-Length: 0\r\n\r\n`;
    socket.send(head, port, LOOPBACK);
  });
  return { port: socket.address().port, counted };
}

async function challenged(lab: Lab): Promise<void> {
  const { port, counted } = await startRegistrar(lab);
  const account = ['--user', '100', '--server', `${LOOPBACK}:${port}`, '--transport', 'udp'];
  const often = ['--keepalive', '1', '--keepalive-by', 'options'];
  const echo = await startRingback(lab, [...account, ...often], { env: { SIP_PASSWORD: PASSWORD } });
  await until('six OPTIONS', () => counted.asked >= 6, 15_000);
  check(counted.challenged === 1, `${counted.challenged} were challenged, one is due`);
  check(counted.wrong === 0, `${counted.wrong} had wrong credentials`);
  check(counted.right >= 5, `${counted.right} had right ones`);
  await echo.stop();
}

export const keepaliveScenarios: readonly Scenario[] = [
  { name: 'registered: keepalive OPTIONS answer a challenge, once', limitS: 30, run: challenged },
];
