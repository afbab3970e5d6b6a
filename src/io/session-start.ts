/**
 * The first lines of a session: what runs, with which settings, and at which addresses. They come from the driver and
 * not from the endpoint, because the version and the time of day are nothing that replays.
 */
import pkg from '../../package.json' with { type: 'json' };
import type { EventBody } from '../events.ts';
import type { LocalAddresses } from '../sip/endpoint-config.ts';
import type { DriverOptions } from './driver.ts';
import { addressesOf } from './local-addresses.ts';

/** Those events, in order; no secret is in them. */
export function firstEvents(options: DriverOptions, addresses: LocalAddresses): EventBody[] {
  const { endpoint, bind, rtpPorts, mediaThreads } = options;
  const { defaultAddresses } = addressesOf(bind, addresses);
  const events: EventBody[] = [
    {
      type: 'session.started',
      version: pkg.version,
      wallTime: new Date().toISOString(),
      configuration: { ...masked(endpoint), ...(bind === undefined ? {} : { bind }), rtpPorts, mediaThreads },
    },
  ];
  for (const address of [defaultAddresses.ipv4, defaultAddresses.ipv6]) {
    if (address === undefined) continue;
    events.push({ type: 'address.discovered', scope: 'local', address, learnedBy: 'route' });
  }
  const { advertiseAddress: address } = endpoint;
  if (address !== undefined) {
    events.push({ type: 'address.discovered', scope: 'public', address, learnedBy: 'advertised' });
  }
  return events;
}

function masked(endpoint: DriverOptions['endpoint']): Record<string, unknown> {
  const { accounts, registrar, seed: _seed, unwantedEvents: _unwanted, ...rest } = endpoint;
  const users = registrar?.users.map(({ user }) => ({ user, password: '***' }));
  return {
    ...rest,
    accounts: accounts.map((account) => ({ ...account, password: '***' })),
    ...(registrar === undefined ? {} : { registrar: { domain: registrar.domain, users } }),
  };
}
