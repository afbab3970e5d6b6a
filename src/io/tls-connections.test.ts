/** SIP over TLS on loopback: which peers get through, and what is said of those that do not. */
import { afterEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import type { TCPSocketListener } from 'bun';
import type { TlsFault } from '../sip/tls.ts';
import type { Connected, Disconnected, StreamConnections } from './stream-connections.ts';
import { openStreams } from './tcp-connections.ts';
import { readCredentials, type TlsFiles } from './tls-credentials.ts';
import { handshakeFault, readAlternativeNames } from './tls-handshake.ts';

const FOLDER = join(import.meta.dir, '../../fixtures/tls');
const pem = (name: string) => join(FOLDER, `${name}.pem`);
const own = (name: string) => ({ cert: pem(name), key: join(FOLDER, `${name}.key`) });
const TRUST: TlsFiles = { ca: pem('ca') };
/** Long enough for a handshake on a busy machine. */
const TIMES = { connectMs: 4_000, handshakeMs: 4_000 };

const open: StreamConnections[] = [];
const plain: TCPSocketListener[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
  for (const one of plain.splice(0)) one.stop(true);
});

/** What happened to one side, one after the other. */
function side(files: TlsFiles, times: Partial<typeof TIMES> = TIMES) {
  const waiting: ((happened: Happened) => void)[] = [];
  const happened: Happened[] = [];
  const say = (one: Happened) => (waiting.shift() ?? ((it) => happened.push(it)))(one);
  const streams = openStreams(
    {
      connected: (id, about) => say({ id, up: about }),
      received: (id, bytes) => say({ id, text: Buffer.from(bytes).toString() }),
      disconnected: (id, why) => say({ id, gone: why }),
    },
    readCredentials(files),
    times,
  );
  open.push(streams);
  const next = () => {
    const first = happened.shift();
    return first === undefined ? new Promise<Happened>((resolve) => waiting.push(resolve)) : first;
  };
  return { streams, next, happened };
}

interface Happened {
  readonly id: number;
  readonly up?: Connected;
  readonly text?: string;
  readonly gone?: Disconnected;
}

const at = (port: number) => ({ address: '127.0.0.1', port });

/** What became of a connection to a server with that certificate, asked for that name. */
async function connectTo(certificate: string, domain = 'lab.local', files = TRUST): Promise<Happened> {
  const server = side(own(certificate));
  const client = side(files);
  client.streams.connect(2, at(server.streams.listen('tls', '127.0.0.1', 0)), domain);
  return client.next();
}

describe('a certificate is judged before anything is sent (RFC 5922 §7.3)', () => {
  test('one that is for the name: the connection is up both ways, and says protocol, cipher and name', async () => {
    const server = side(own('good'));
    const client = side(TRUST);
    client.streams.connect(2, at(server.streams.listen('tls', '127.0.0.1', 0)), 'lab.local');
    const { up } = await client.next();
    expect(up?.transport).toBe('tls');
    expect(up?.tls).toMatchObject({ protocol: 'TLSv1.3', verified: 'lab.local' });
    expect(up?.tls?.cipher).toMatch(/^TLS_/);
    expect(up?.tls?.certificate).toMatchObject({
      subject: 'CN=lab.local',
      issuer: 'CN=Test CA',
      commonName: 'lab.local',
      alternatives: [
        { kind: 'DNS', value: 'lab.local' },
        { kind: 'URI', value: 'sip:lab.local' },
        { kind: 'IP', value: '127.0.0.1' },
      ],
      notBefore: '2020-01-01T00:00:00Z',
      notAfter: '2116-01-01T00:00:00Z',
    });
    expect((await server.next()).up?.tls).toEqual({ protocol: 'TLSv1.3', cipher: up?.tls?.cipher ?? '' });
    client.streams.send(2, Buffer.from('ping'));
    expect(await server.next()).toEqual({ id: 1, text: 'ping' });
    server.streams.send(1, Buffer.from('pong'));
    expect(await client.next()).toEqual({ id: 2, text: 'pong' });
    server.streams.disconnect(1);
    expect((await client.next()).gone).toEqual({ error: 'the peer closed the connection' });
  });

  test('a numeric address is a name like any other', async () => {
    expect((await connectTo('good', '127.0.0.1')).up?.tls?.verified).toBe('127.0.0.1');
  });

  const BAD: readonly (readonly [string, TlsFault['code']])[] = [
    ['expired', 'certificate-expired'],
    ['future', 'certificate-not-yet-valid'],
    ['other', 'wrong-name'],
    ['self', 'self-signed'],
    ['incomplete', 'incomplete-chain'],
  ];
  for (const [certificate, code] of BAD) {
    test(`${certificate}: ${code}, with the certificate as evidence`, async () => {
      const { up, gone } = await connectTo(certificate);
      expect(up).toBeUndefined();
      expect(gone?.tlsFault).toMatchObject({ code, domain: 'lab.local' });
      expect(gone?.tlsFault?.certificate?.issuer).toMatch(/^CN=/);
    });
  }

  test('an issuer in the chain whose time is over is named, and not the certificate under it, which is good', async () => {
    const { gone } = await connectTo('under-expired');
    const { code, certificate, issuer } = gone?.tlsFault ?? {};
    expect(code).toBe('certificate-expired');
    expect(certificate?.notAfter).toBe('2116-01-01T00:00:00Z');
    expect(issuer).toMatchObject({ subject: 'CN=Expired Intermediate CA', notAfter: '2021-01-01T00:00:00Z' });
    expect((await connectTo('expired')).gone?.tlsFault?.issuer).toBeUndefined();
  });

  test('a wildcard that serves the web is a wrong name here (§7.2)', async () => {
    const { gone } = await connectTo('wildcard', 'pbx.local');
    expect(gone?.tlsFault?.code).toBe('wrong-name');
  });

  test('an issuer that this machine does not know: unknown-issuer, whatever the name', async () => {
    expect((await connectTo('good', 'lab.local', {})).gone?.tlsFault?.code).toBe('unknown-issuer');
    expect((await connectTo('good', 'other', {})).gone?.tlsFault?.code).toBe('unknown-issuer');
  });

  test('with --tls-insecure it is used, and says what would have been refused', async () => {
    const { up } = await connectTo('expired', 'lab.local', { ...TRUST, insecure: true });
    expect(up?.tls?.verified).toBeUndefined();
    expect(up?.tls?.ignored?.code).toBe('certificate-expired');
  });
});

describe('a peer that does not speak TLS', () => {
  /** A port that does something when it hears bytes. */
  function listen(heard: (socket: Bun.Socket) => void): number {
    const socket = { data: heard, open: () => {}, error: () => {} };
    const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket });
    plain.push(listener);
    return listener.port;
  }

  test('it answers in SIP, or hangs up: not-spoken', async () => {
    for (const heard of [
      (socket: Bun.Socket) => void socket.write('SIP/2.0 400 Bad Request\r\n\r\n'),
      (socket: Bun.Socket) => void socket.end(),
    ]) {
      const client = side(TRUST);
      client.streams.connect(2, at(listen(heard)), 'lab.local');
      expect((await client.next()).gone?.tlsFault?.code).toBe('not-spoken');
    }
  });

  test('it says nothing: the time is over soon, so that another server is tried', async () => {
    const client = side(TRUST, { handshakeMs: 20 });
    client.streams.connect(2, at(listen(() => {})), 'lab.local');
    const { gone } = await client.next();
    expect(gone?.tlsFault).toEqual({
      code: 'no-answer',
      domain: 'lab.local',
      detail: 'no answer to the handshake within 0.02 s',
    });
  });
});

describe('strangers on our TLS port', () => {
  test('junk is no TLS, and is said with its address; nothing above holds the connection', async () => {
    const server = side(own('good'));
    const port = server.streams.listen('tls', '127.0.0.1', 0);
    const socket = await Bun.connect({ ...at(port), hostname: '127.0.0.1', socket: { data: () => {} } });
    socket.write('OPTIONS sip:lab.local SIP/2.0\r\n\r\n');
    const { id, gone } = await server.next();
    expect(id).toBe(1);
    expect(gone?.tlsFault?.code).toBe('not-spoken');
    expect(gone?.remote).toEqual(at(socket.localPort));
  });

  test('an alert on a certificate is about ours when a client sends it, and about a missing one when a server does', () => {
    const alert = (words: string) => new Error(`error:10000418:SSL routines:OPENSSL_internal:${words}`);
    const codeFor = (words: string, domain?: string) => handshakeFault(undefined, alert(words), domain).code;
    // The last is what becomes of the alert that OpenSSL sends in the clear in TLS 1.3.
    for (const words of ['TLSV1_ALERT_UNKNOWN_CA', 'SSLV3_ALERT_BAD_CERTIFICATE', 'BAD_PACKET_LENGTH']) {
      expect(codeFor(words)).toBe('certificate-not-taken');
    }
    expect(codeFor('TLSV1_ALERT_UNKNOWN_CA', 'lab.local')).toBe('client-certificate-wanted');
    expect(codeFor('BAD_PACKET_LENGTH', 'lab.local')).toBe('handshake-failed');
  });

  test('one that says nothing is let go in silence', async () => {
    const server = side(own('good'), { handshakeMs: 20 });
    const port = server.streams.listen('tls', '127.0.0.1', 0);
    const closed = Promise.withResolvers<void>();
    const socket = { data: () => {}, close: () => closed.resolve() };
    await Bun.connect({ hostname: '127.0.0.1', port, socket });
    await closed.promise;
    expect(server.happened).toEqual([]);
  });
});

test('a new certificate is shown from the next handshake on, and what stands goes on (SIGHUP)', async () => {
  const server = side(own('good'));
  const port = server.streams.listen('tls', '127.0.0.1', 0);
  const client = side({ ...TRUST, insecure: true });
  client.streams.connect(2, at(port), 'lab.local');
  expect((await client.next()).up?.tls?.certificate?.subject).toBe('CN=lab.local');
  server.streams.useCredentials(readCredentials(own('other')));
  client.streams.connect(4, at(port), 'lab.local');
  expect((await client.next()).up?.tls?.certificate?.subject).toBe('CN=other.example');
  client.streams.send(2, Buffer.from('still here'));
  // The server may see its second connection up only after that.
  const heard = [await server.next(), await server.next(), await server.next()];
  expect(heard).toContainEqual({ id: 1, text: 'still here' });
});

describe('files that cannot be used are named, with their flag', () => {
  const reasonOf = (files: TlsFiles): string => {
    try {
      return readCredentials(files).described;
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };

  test('what is not there, no PEM, another key', () => {
    expect(reasonOf({ ca: '/nowhere.pem' })).toStartWith('--tls-ca /nowhere.pem cannot be read: ENOENT');
    const key = join(FOLDER, 'good.key');
    expect(reasonOf({ ca: key })).toBe(`--tls-ca ${key} has no certificate in PEM in it.`);
    expect(reasonOf({ cert: key, key })).toStartWith(`--tls-cert ${key} is no certificate in PEM`);
    expect(reasonOf({ cert: pem('good'), key: pem('good') })).toStartWith(
      `--tls-key ${pem('good')} is no private`,
    );
    expect(reasonOf({ cert: pem('other'), key })).toBe(
      `--tls-key ${key} is not the key of --tls-cert ${pem('other')}.`,
    );
  });

  test('what can be used is described by subject, serial number and last day', () => {
    expect(reasonOf(own('good'))).toMatch(/^CN=lab\.local, serial [0-9A-F]+, until 2116-01-01$/);
  });
});

test('a name with a comma stands in quotes and is one name, never two', () => {
  expect(readAlternativeNames('URI:"sip:a\\u002c DNS:evil.example", DNS:b.example, email:c@d')).toEqual([
    { kind: 'URI', value: 'sip:a, DNS:evil.example' },
    { kind: 'DNS', value: 'b.example' },
  ]);
  expect(readAlternativeNames('IP Address:2001:DB8:0:0:0:0:0:1')).toEqual([
    { kind: 'IP', value: '2001:DB8:0:0:0:0:0:1' },
  ]);
  expect(readAlternativeNames('URI:"sip:a, DNS:evil.example')).toEqual([]);
});
