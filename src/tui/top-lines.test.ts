/** What stands on top of the screen, and what goes first where it is narrow. */
import { expect, test } from 'bun:test';
import type { EventBody } from '../events.ts';
import { applyEvent, newModel } from './model.ts';
import { topLines } from './top-lines.ts';

const EVENTS: readonly EventBody[] = [
  { type: 'address.discovered', scope: 'local', address: '192.168.1.20', learnedBy: 'route' },
  { type: 'listener.opened', transport: 'udp', address: '::', port: 5080 },
  { type: 'listener.opened', transport: 'tcp', address: '::', port: 5080 },
  { type: 'listener.opened', transport: 'tls', address: '::', port: 5061 },
  { type: 'address.discovered', scope: 'public', address: '203.0.113.1', learnedBy: 'stun' },
];

function top(columns: number): string {
  const model = newModel();
  for (const [seq, body] of EVENTS.entries()) applyEvent(model, { v: 1, seq, atMs: 0, ...body });
  const [first] = topLines(model, columns);
  return first
    .map(({ text }) => text)
    .join('')
    .trim()
    .replace(/ +/g, ' ');
}

test('the port of TLS stands beside that of UDP and TCP', () => {
  expect(top(120)).toBe(
    'ringback not registered anywhere udp+tcp 192.168.1.20:5080 tls :5061 public 203.0.113.1 (stun)',
  );
});

test('where there is no room for all, the public address stays', () => {
  expect(top(80)).toBe('ringback not registered anywhere public 203.0.113.1 (stun)');
  expect(top(40)).toBe('ringback not registered anywhere');
});
