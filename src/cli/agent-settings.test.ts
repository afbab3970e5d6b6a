/** What a running agent has otherwise than a command wants it, and what is said of it. */
import { expect, test } from 'bun:test';
import { agentSettings, settingWords, unlikeAgent } from './agent-settings.ts';
import { COMMANDS } from './commands.ts';
import type { FlagName } from './flags.ts';
import { readOptions, readSettings } from './options.ts';

function read(flags: Partial<Record<FlagName, string>>, variables: Record<string, string> = {}) {
  const source = { kind: 'flag' } as const;
  const given = new Map(Object.entries(flags).map(([name, text]) => [name as FlagName, { text, source }]));
  const around = { variables, folder: '/nowhere', takes: COMMANDS.agent?.flags ?? [] };
  const { settings } = readSettings(given, around);
  return { settings, wanted: agentSettings(readOptions(given, around, 'udp')) };
}

const unlike = ({ settings, wanted }: ReturnType<typeof read>, agent = read({}).wanted) =>
  unlikeAgent(settings, wanted, agent);

test('an agent is started with what was given, and has it then', () => {
  const given = read({ stun: 'stun.example.org', 'rtp-ports': '10000-10100', 'tls-insecure': 'true' });
  expect(settingWords(given.wanted).join(' ')).toContain('--stun stun.example.org');
  expect(settingWords(given.wanted)).toContain('--tls-insecure');
  expect(unlike(given, given.wanted)).toEqual([]);
});

test('what a running one has otherwise is named as it was given, by whomever', () => {
  expect(unlike(read({ stun: 'stun.example.org' }))).toEqual(['--stun']);
  expect(unlike(read({}, { SIP_ADVERTISE_IP: '192.0.2.9' }))).toEqual(['SIP_ADVERTISE_IP']);
  // What it has already is no news, however it is written.
  expect(unlike(read({ 'sip-port': '0', keepalive: '29.0' }))).toEqual([]);
});

test('an agent that does not say what it has is warned of for each flag, and for nothing that stands there always', () => {
  const { settings, wanted } = read({ bind: '127.0.0.1' }, { SIP_ADVERTISE_IP: '192.0.2.9' });
  expect(unlikeAgent(settings, wanted, undefined)).toEqual(['--bind']);
});
