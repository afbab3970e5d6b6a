/** `ringback status`: what the agent and every echo of this user hold. */
import { join } from 'node:path';
import type { Status } from '../agent/control-message.ts';
import { describeLost, LEDGER, readLedger } from '../agent/ledger.ts';
import { duration } from '../report/plain-call.ts';
import { at } from '../report/plain-line.ts';
import { printable } from '../report/printable.ts';
import { openAll } from './carrier.ts';
import { controlFolder } from './control-folder.ts';
import { EXIT } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';

export async function run({ flags, variables, print }: Invocation): Promise<number> {
  const clients = await openAll(variables);
  const all = await Promise.all(clients.map((client) => client.status()));
  for (const client of clients) client.close();
  if (flags.has('json')) {
    print(JSON.stringify(all));
    return EXIT.done;
  }
  if (all.length > 0) print(all.map(describeStatus).join('\n'));
  else {
    const lost = readLedger(join(controlFolder(variables), LEDGER));
    print(lost === undefined ? 'Nothing is running.' : `Nothing is running. ${describeLost(lost)}`);
  }
  return EXIT.done;
}

/** One process, a line for each thing it holds. */
function describeStatus(status: Status): string {
  const { kind, pid, version, listeners, registrations, calls } = status;
  const rows = [
    ...listeners.map(({ transport, address, port }) => `listens       ${transport} ${at(address, port)}`),
    ...registrations.map(({ account, state, expiresS, reason, sinceS }) => {
      const expires = expiresS === undefined ? '' : ` expires=${expiresS}`;
      const why = reason === undefined ? '' : ` (${printable(reason)})`;
      return `${state.padEnd(13)} ${printable(account)}${expires}${why}, for ${duration(sinceS * 1000)}`;
    }),
    ...calls.map(
      ({ call, direction, peer, state, sinceS, codec, audioPort, packetsReceived, packetsSent }) => {
        const way = direction === 'incoming' ? 'from' : 'to';
        const audio = codec === undefined ? '' : `, ${printable(codec)} port ${audioPort ?? 0}`;
        const packets =
          packetsReceived === undefined ? '' : `, ${packetsReceived} packets in, ${packetsSent ?? 0} out`;
        const about = `${way} ${printable(peer)}, for ${duration(sinceS * 1000)}${audio}${packets}`;
        return `${state.padEnd(13)} ${printable(call)} ${about}`;
      },
    ),
  ];
  return [`${kind} ${version}, process ${pid}`, ...rows.map((row) => `  ${row}`)].join('\n');
}
