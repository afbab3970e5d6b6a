/** docs/state-machines.md says what the transaction tables say (RFC 3261 §17). */
import { expect, test } from 'bun:test';
import { expectGolden } from '../../fixtures/golden.ts';
import { INVITE_CLIENT } from './invite-client.ts';
import { diagram, stateMachinesPage } from './state-diagram.ts';

test('the state diagrams of the documentation are those of the tables', () => {
  expectGolden('docs/state-machines.md', stateMachinesPage());
});

test('a diagram has an arrow for each row of its table', () => {
  const arrows = diagram(INVITE_CLIENT).match(/-->/g) ?? [];
  expect(arrows).toHaveLength(INVITE_CLIENT.rows.length + 2);
  expect(diagram(INVITE_CLIENT)).toContain('calling --> accepted: 2xx / disarm A, disarm B, arm M, pass');
});
