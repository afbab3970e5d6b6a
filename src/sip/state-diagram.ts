/**
 * State diagrams out of the transaction tables (RFC 3261 §17, Figures 5 to 8), as Mermaid. The tables are data, so
 * the picture in docs/state-machines.md cannot differ from what runs; state-diagram.test.ts compares them.
 */
import { INVITE_CLIENT } from './invite-client.ts';
import { INVITE_SERVER } from './invite-server.ts';
import { NON_INVITE_CLIENT } from './non-invite-client.ts';
import { NON_INVITE_SERVER } from './non-invite-server.ts';
import type { Machine, Row } from './transaction-machine.ts';

const TITLES: readonly (readonly [string, Machine])[] = [
  ['INVITE client transaction', INVITE_CLIENT],
  ['INVITE server transaction', INVITE_SERVER],
  ['Non-INVITE client transaction', NON_INVITE_CLIENT],
  ['Non-INVITE server transaction', NON_INVITE_SERVER],
];

/** The whole page, with a diagram and a table for each machine. */
export function stateMachinesPage(): string {
  const parts = TITLES.map(([title, machine]) => `## ${title}\n\n${diagram(machine)}\n${table(machine)}`);
  return `# State machines

Written by \`bun run golden\` from the tables in \`src/sip\`; edit those. A bare § is RFC 3261's. What is armed is
disarmed on the way into \`terminated\`. An input that has no row in a state is ignored there.

${parts.join('\n')}`;
}

/** One machine as a Mermaid state diagram: an arrow for each row, "input / actions". */
export function diagram(machine: Machine): string {
  const rows = machine.rows.map((row) => `  ${row.state} --> ${row.next}: ${label(row.input, row.actions)}`);
  const start = `  [*] --> ${machine.initial}: ${label('start', machine.start)}`;
  return ['```mermaid', 'stateDiagram-v2', start, ...rows, '  terminated --> [*]', '```', ''].join('\n');
}

function table(machine: Machine): string {
  const rows = machine.rows.map(
    (row) => `| ${row.state} | ${row.input} | ${row.next} | ${row.actions.join(', ')} | ${section(row)} |`,
  );
  return ['| state | input | next | actions | where |', '|---|---|---|---|---|', ...rows, ''].join('\n');
}

function label(input: string, actions: readonly string[]): string {
  return actions.length === 0 ? input : `${input} / ${actions.join(', ')}`;
}

/** "17.1.1.2" is RFC 3261's; others name their RFC. */
function section({ section: where }: Row): string {
  return where.startsWith('RFC') ? where.replace(/^(RFC \d+) /, '$1 §') : `§${where}`;
}
