/** Which addresses `doctor` asks over which transport, and by which URI. */
import {
  certified,
  defaultPort,
  formatHost,
  type NextHop,
  type ServerHop,
  type Transport,
} from '../sip/flow.ts';
import { isSameHop } from '../sip/server-location.ts';

/** Transports that are tried. */
export const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'tls'];
/** Addresses of one transport, and of one that is tried for comparison alone. */
const MAX_WANTED = 4;
const MAX_COMPARED = 2;

/** Those that settings and DNS lead to, in their order, then the same addresses over the other transports. */
export function hopsToTry(hop: NextHop, order: readonly ServerHop[]): readonly ServerHop[] {
  const wanted = TRANSPORTS.flatMap((transport) =>
    order.filter((one) => one.transport === transport).slice(0, MAX_WANTED),
  );
  const inOrder = order.filter((one) => wanted.includes(one));
  const compared = TRANSPORTS.filter((transport) => !order.some((one) => one.transport === transport));
  const others = compared.flatMap((transport) =>
    order.map(({ address, transport: known, port }): ServerHop => {
      // A port that was given is that of UDP and TCP; TLS has one of its own.
      const shared = hop.open === undefined && transport !== 'tls' && known !== 'tls';
      const there = shared ? port : defaultPort(transport);
      return { transport, address, port: there, ...certified(hop, transport) };
    }),
  );
  const unique = others.filter((one, at) => others.findIndex((other) => isSameHop(one, other)) === at);
  return [
    ...inOrder,
    ...TRANSPORTS.flatMap((each) =>
      unique.filter(({ transport }) => transport === each).slice(0, MAX_COMPARED),
    ),
  ];
}

/** The server itself: no user is asked for. */
export function pingUri({ host, port, open }: NextHop, transport: Transport): string {
  const at = open === undefined ? `:${port}` : '';
  return `sip:${formatHost(host)}${at}${transport === 'udp' ? '' : `;transport=${transport}`}`;
}
