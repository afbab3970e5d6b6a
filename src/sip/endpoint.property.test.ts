/**
 * Random calls between two endpoints on a bad network: whatever is lost, doubled or overtaken, both sides agree that
 * a call is over, and nothing is left behind (RFC 3261 §13.3.1.4, §15, §17).
 *
 * `CALLS=5000 CALLS_SEED=7 bun test endpoint.property` runs more of them, or one run again.
 */
import { expect, test } from 'bun:test';
import { VirtualNetwork, type Weather } from '../io/virtual.ts';
import { ECHO_ADDRESS, endpointConfig, leftovers } from '../io/virtual-scene.ts';
import { Identifiers } from './identifiers.ts';

const CALLS = Number(process.env.CALLS ?? 300);
const FIRST_SEED = Number(process.env.CALLS_SEED ?? 1);
const CALLER_ADDRESS = { address: '192.0.2.30', port: 5060 };

/** One call, from the first INVITE until everything has run out, and what went wrong with it. */
function play(seed: number): { readonly faults: string[]; readonly established: boolean } {
  const chance = new Identifiers([seed, 17, 4711, 1]);
  const between = (least: number, most: number) => least + Math.floor(chance.fraction() * (most - least + 1));
  const weather: Weather = {
    latencyMs: [1, between(5, 300)],
    loss: chance.fraction() * 0.3,
    duplication: chance.fraction() * 0.3,
    reordering: chance.fraction() * 0.3,
  };
  const network = new VirtualNetwork([seed, 2, 3, 4], weather);
  const delays = { ringDelayMs: between(0, 1) * between(0, 500), answerDelayMs: between(0, 3_000) };
  const echo = network.addEndpoint(
    'echo',
    ECHO_ADDRESS,
    endpointConfig(ECHO_ADDRESS, { echo: true, seed: [seed, 1, 1, 1], ...delays }),
    [10_000, 10_002],
  );
  const caller = network.addEndpoint(
    'caller',
    CALLER_ADDRESS,
    endpointConfig(CALLER_ADDRESS, { seed: [seed, 2, 2, 2] }),
  );
  const audio = { address: CALLER_ADDRESS.address, port: 40_000 };
  caller.act({ type: 'call', to: 'sip:echo@192.0.2.10', audio });
  network.run(between(0, 8_000));
  // Either side hangs up, or both at once, or the network has a pause first.
  if (between(0, 3) === 0) {
    echo.away = true;
    network.run(between(0, 20_000));
    echo.away = false;
  }
  const who = between(0, 2);
  if (who !== 1) caller.act({ type: 'hangup-all' });
  if (who === 2) network.run(between(0, 300));
  if (who !== 0) echo.act({ type: 'hangup-all' });
  network.run(80_000);
  // A call that the other side never heard of, or that was set up after the hanging up, ends now.
  caller.act({ type: 'hangup-all' });
  network.run(80_000);
  echo.act({ type: 'hangup-all' });

  const faults = leftovers(network, echo, caller);
  const ends = (node: typeof echo) =>
    network.eventsOf(node, 'call.changed').filter(({ to }) => to === 'terminated');
  if (ends(caller).length !== 1) faults.push(`the caller ended its call ${ends(caller).length} times`);
  const begun = new Set(network.eventsOf(echo, 'call.changed').map(({ call }) => call));
  if (begun.size > 1) faults.push(`one INVITE became ${begun.size} calls`);
  if (ends(echo).length !== begun.size)
    faults.push(`the echo ended ${ends(echo).length} of ${begun.size} calls`);
  const opened = echo.media.commands.filter(({ type }) => type === 'open').length;
  const closed = echo.media.commands.filter(({ type }) => type === 'close').length;
  if (opened !== closed) faults.push(`${opened} ports opened, ${closed} closed`);
  const stood = (node: typeof echo) =>
    network.eventsOf(node, 'call.changed').some(({ to }) => to === 'established');
  // The callee sees the call stand by the ACK, which only a caller sends for whom it stands.
  if (stood(echo) && !network.sent.some(({ from, text }) => from === 'caller' && text.startsWith('ACK '))) {
    faults.push('the echo saw an ACK that nobody sent');
  }
  return { faults, established: stood(echo) && stood(caller) };
}

test(`both sides agree on the end of ${CALLS} calls with up to 30 % of loss, and nothing is left`, () => {
  let established = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CALLS; seed++) {
    const played = play(seed);
    if (played.established) established += 1;
    expect({ seed, faults: played.faults }).toEqual({ seed, faults: [] });
  }
  // The property is worth little if no call ever stands.
  if (CALLS >= 100) expect(established).toBeGreaterThan(CALLS / 5);
}, 60_000);
