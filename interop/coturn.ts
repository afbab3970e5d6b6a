/** coturn as a STUN server with two addresses (RFC 5780), without TURN users, in the foreground. */
import { join } from 'node:path';
import type { Lab } from './lab.ts';

/** Starts it on port 3478 and 3479 of both; it answers a moment later. */
export function startCoturn(lab: Lab, addresses: readonly [string, string]): void {
  lab.spawn('coturn', [
    ...['turnserver', '-n', '--no-auth', '--no-tls', '--no-dtls', '--no-cli', '--no-tcp'],
    ...['-L', addresses[0], '-L', addresses[1], '-l', 'stdout', '--simple-log'],
    ...['--userdb', join(lab.dir, 'turndb'), '--pidfile', join(lab.dir, 'turnserver.pid')],
  ]);
}
