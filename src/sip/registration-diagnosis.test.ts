/** What is said of a registrar that cannot be reached. */
import { expect, test } from 'bun:test';
import { registrationTests } from '../io/scene-tests.ts';
import { bound } from '../io/virtual-registration.ts';
import { accountOf, REGISTRAR_ADDRESS } from '../io/virtual-scene.ts';

const open = registrationTests();

test('a registrar that nobody answers for is told of once, with the other transport as the next thing to try', () => {
  const { network, ours, register } = open(() => undefined);
  register();
  network.run(120_000);
  const told = network.eventsOf(ours, 'diagnosis.raised');
  expect(told).toMatchObject([{ code: 'registrar-unreachable', severity: 'warning' }]);
  expect(told[0]?.evidence).toStartWith(
    `REGISTER to ${REGISTRAR_ADDRESS.address}:${REGISTRAR_ADDRESS.port} over UDP: `,
  );
  expect(told[0]?.next).toContain('--transport tcp');
});

test('a registrar whose name leads nowhere is not called a port where nobody listens', () => {
  const server = { host: 'nowhere.test', port: 5060, transport: 'udp', open: 'transport' } as const;
  const { network, ours, register } = open(() => undefined, { accounts: [accountOf('100', { server })] });
  register();
  network.run(1_000);
  const [told] = network.eventsOf(ours, 'diagnosis.raised');
  expect(told).toMatchObject({ code: 'registrar-unreachable', cause: expect.stringContaining('misspelt') });
  expect(told?.evidence).toStartWith('REGISTER to nowhere.test: ');
});

test('nor is its name called misspelt, or its name server down, where no way leads to that', () => {
  const server = { host: 'pbx.test', port: 5060, transport: 'udp' } as const;
  const { network, ours, register } = open(() => undefined, { accounts: [accountOf('100', { server })] });
  register();
  const error = 'pbx.test could not be looked up in DNS (ENETUNREACH)';
  network.feed(ours, { type: 'resolved', host: 'pbx.test', transport: 'udp', addresses: [], error });
  const [told] = network.eventsOf(ours, 'diagnosis.raised');
  expect(told?.cause).toStartWith('this machine has no way to its name server');
});

test('a REGISTER that never left this machine is not blamed on the registrar', () => {
  const { network, ours, register } = open(() => undefined);
  register();
  const error = 'ENETUNREACH: network is unreachable, send';
  network.feed(ours, { type: 'unreachable', remote: REGISTRAR_ADDRESS, error });
  network.run(100);
  const [told] = network.eventsOf(ours, 'diagnosis.raised');
  expect(told?.cause).toStartWith('this machine has no way there');
  expect(told?.next).toContain('--bind');
});

test('a registrar that was there before is not said to be the wrong one when it goes away', () => {
  const { network, ours, registrar, register } = open(bound);
  register();
  network.run(60_000);
  registrar.answering = () => undefined;
  network.run(3_600_000);
  const [told] = network.eventsOf(ours, 'diagnosis.raised');
  expect(told?.code).toBe('registrar-unreachable');
  expect(told?.cause).toStartWith('the server answered before');
  expect(told?.next).not.toContain('--transport');
});
