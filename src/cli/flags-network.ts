/** The flags of how we are reached, and reach others: part of the table in flags.ts. */
import { address, advertised, reads, rtpPorts, stunServer, toggle } from './flag-values.ts';
import { KEEPALIVE_FLAGS } from './flags-keepalive.ts';
import { TLS_FLAGS } from './flags-tls.ts';
import { readDnsServer, readPort } from './server-address.ts';

/** See `Flag` in flags.ts. */
export const NETWORK_FLAGS = {
  bind: {
    group: 'network',
    value: 'ADDRESS',
    help: 'listen on this address of this machine alone',
    otherwise: 'all',
    inFile: true,
    schema: address('an IP address of this machine'),
  },
  'sip-port': {
    group: 'network',
    value: 'PORT',
    help: 'SIP port to listen on, UDP and TCP; 0 is any free one',
    otherwise: '0',
    inFile: true,
    schema: reads('a port from 0 to 65535', (given) => (given === '0' ? 0 : readPort(given))),
  },
  'rtp-ports': {
    group: 'network',
    value: 'FIRST-LAST',
    help: 'ports for audio',
    otherwise: '10000-20000',
    inFile: true,
    schema: rtpPorts,
  },
  dns: {
    group: 'network',
    value: 'ADDRESS[:PORT]',
    help: 'ask this DNS server for NAPTR, SRV and addresses',
    otherwise: "the machine's own",
    inFile: true,
    schema: reads('the IP address of a DNS server, with or without a port', readDnsServer),
  },
  'advertise-ip': {
    group: 'network',
    value: 'ADDRESS',
    variable: 'SIP_ADVERTISE_IP',
    help: 'the address that others see, when a NAT stands between (Contact, Via and SDP)',
    inFile: true,
    schema: advertised,
  },
  'advertise-media-ip': {
    group: 'network',
    value: 'ADDRESS',
    help: 'another address for SDP',
    otherwise: '--advertise-ip',
    inFile: true,
    schema: advertised,
  },
  'contact-as-sent': {
    group: 'network',
    help: 'requests in a call go to the Contact of the other side, also when it is private and cannot be reached',
    otherwise: 'they go where its messages come from then',
    inFile: true,
    schema: toggle,
  },
  ...KEEPALIVE_FLAGS,
  stun: {
    group: 'network',
    value: 'HOST[:PORT]',
    variable: 'SIP_STUN',
    help: 'ask this STUN server how a NAT shows us, for Contact and, port by port, for SDP',
    inFile: true,
    schema: stunServer,
  },
  ...TLS_FLAGS,
} as const;
