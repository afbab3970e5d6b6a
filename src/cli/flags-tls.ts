/** The flags of TLS: part of the table in flags.ts. */
import { path, reads, toggle } from './flag-values.ts';
import { readPort } from './server-address.ts';

/** See `Flag` in flags.ts. */
export const TLS_FLAGS = {
  'tls-ca': {
    group: 'network',
    value: 'FILE',
    help: 'trust the issuers in this file (PEM) and no others',
    otherwise: "the machine's own",
    inFile: true,
    schema: path,
  },
  'tls-cert': {
    group: 'network',
    value: 'FILE',
    help: 'our certificate and its chain (PEM): to listen with, and for servers that ask for one',
    inFile: true,
    schema: path,
  },
  'tls-key': {
    group: 'network',
    value: 'FILE',
    help: 'the private key of --tls-cert (PEM, no passphrase); SIGHUP reads all three files anew',
    inFile: true,
    schema: path,
  },
  'tls-port': {
    group: 'network',
    value: 'PORT',
    help: 'port to listen on over TLS, when there is a certificate; 0 is any free one',
    otherwise: '5061; any for register and call',
    inFile: true,
    schema: reads('a port from 0 to 65535', (given) => (given === '0' ? 0 : readPort(given))),
  },
  'tls-insecure': {
    group: 'network',
    help: 'take certificates that do not verify, with a warning each time: for a lab, never for a password',
    inFile: true,
    schema: toggle,
  },
} as const;
