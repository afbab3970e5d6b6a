/** `ringback doctor` against what it is to find out: real servers, a port with nobody, dropped UDP, wrong DNS, NATs. */
import { createSocket } from 'node:dgram';
import { startCoturn } from '../coturn.ts';
import { type DnsRecord, startDns } from '../dns-server.ts';
import { account, claim, ends, examine } from '../doctor.ts';
import { startKamailio } from '../kamailio.ts';
import { check, type Lab, LOOPBACK, output, sleep, tail, within } from '../lab.ts';
import {
  INSIDE,
  type NatKind,
  OUTSIDE,
  OUTSIDE_TOO,
  openInternet,
  ROUTER,
  SIP_PORT,
} from '../nat-network.ts';
import { responseText } from '../raw-peer.ts';
import type { Scenario } from '../scenario.ts';

const DOMAIN = 'provider.test';
const needs = ['kamailio', 'kamcmd'];

/** SRV names a server that is gone first, then Kamailio. */
function zone(dead: number, live: number): DnsRecord[] {
  const name = `_sip._udp.${DOMAIN}`;
  return [
    { name: DOMAIN, type: 'NAPTR', data: `20 10 s SIP+D2U ${name}` },
    { name, type: 'SRV', data: `20 0 ${live} live.${DOMAIN}` },
    { name, type: 'SRV', data: `10 0 ${dead} dead.${DOMAIN}` },
    { name: `live.${DOMAIN}`, type: 'A', data: LOOPBACK },
    { name: `dead.${DOMAIN}`, type: 'A', data: LOOPBACK },
  ];
}

/** Behind these NATs, from the inside out: where others see us, and whether all of them see the same. */
async function behind(lab: Lab, kinds: readonly NatKind[]): Promise<void> {
  const { outside, home } = await openInternet(lab);
  const { inside } = await home(kinds);
  startCoturn(outside, [OUTSIDE, OUTSIDE_TOO]);
  const kamailio = await startKamailio(outside, { address: OUTSIDE });
  const args = [...account(kamailio.port, kamailio.domain, OUTSIDE), '--sip-port', `${SIP_PORT}`];
  const found = await examine(inside, args, kamailio.password);
  ends(found, 0, 'works');
  claim(found, 'local-address', 'ok', new RegExp(`^${INSIDE} \\(world\\) towards ${OUTSIDE}`));
  claim(found, 'default-route', 'ok', /IPv4 via 10\.9\.0\.1 on world/);
  const seen = new RegExp(`^${ROUTER}:\\d+ by rport`);
  claim(found, 'public-address', 'ok', seen, /behind a NAT; one vantage point/);
  claim(found, 'credentials', 'ok');
  const locations = await kamailio.locations();
  check(!/AoR: 100/.test(locations), `it bound something:\n${locations}`);
  // A STUN server at another address is the second vantage point.
  const symmetric = kinds.includes('symmetric');
  const twice = await examine(inside, [...args, '--stun', OUTSIDE_TOO], kamailio.password);
  ends(twice, 0, symmetric ? 'limited' : 'works');
  const [verdict, kind] = symmetric ? ['warning', /a symmetric NAT/] : ['ok', /everybody sees the same/];
  claim(twice, 'public-address', `${verdict}`, seen, /by stun of 203\.0\.113\.9:3478/, kind as RegExp);
}

/** Without a server: the machine alone, and what STUN says of it. */
async function alone(lab: Lab): Promise<void> {
  const { outside, home } = await openInternet(lab);
  const { inside } = await home(['port restricted']);
  startCoturn(outside, [OUTSIDE, OUTSIDE_TOO]);
  const bare = await examine(inside, []);
  ends(bare, 0, 'works');
  check(!bare.checks.has('udp') && !bare.checks.has('public-address'), bare.text);
  const found = await examine(inside, ['--stun', OUTSIDE]);
  ends(found, 0, 'works');
  claim(found, 'public-address', 'ok', new RegExp(`^${ROUTER}:\\d+ by stun of ${OUTSIDE}:3478`));
  const silent = await examine(inside, ['--stun', '198.51.100.250']);
  ends(silent, 0, 'limited');
  claim(silent, 'public-address', 'failed', /no answer|unreachable|ICMP/);
}

/** The SIP helper of Linux, as many routers have it on: it rewrites requests and puts responses right again. */
async function sipHelper(lab: Lab): Promise<void> {
  const { outside, home } = await openInternet(lab);
  const { inside, addRules } = await home(['symmetric']);
  const kamailio = await startKamailio(outside, { address: OUTSIDE });
  const helper = [
    'add table ip alg',
    'add ct helper ip alg sip { type "sip" protocol udp; }',
    'add chain ip alg forward { type filter hook prerouting priority 0; }',
    `add rule ip alg forward udp dport ${kamailio.port} ct helper set "sip"`,
  ];
  await addRules(helper.join('; '));
  const found = await examine(inside, account(kamailio.port, kamailio.domain, OUTSIDE), kamailio.password);
  ends(found, 0, 'limited');
  const seen = new RegExp(
    `says it sees us at ${INSIDE}:\\d+, a private one; otherwise we are seen at ${ROUTER}`,
  );
  claim(found, 'sip-alg', 'warning', seen, /turn the SIP ALG off/);
  claim(found, 'public-address', 'unknown', /see sip-alg/);
}

/** Whatever is asked is dropped: a name server, a STUN server, the SIP server. The bound of 10 s holds all the same. */
async function blackHole(lab: Lab): Promise<void> {
  const { home } = await openInternet(lab);
  const { inside, addRules } = await home(['port restricted']);
  const chain = 'add chain ip hole forward { type filter hook forward priority -10; }';
  await addRules(`add table ip hole; ${chain}; add rule ip hole forward drop`);
  const everything = ['--stun', OUTSIDE_TOO, '--dns', OUTSIDE];
  const found = await examine(inside, ['--user', '100', '--server', 'pbx.test', ...everything], 'secret');
  ends(found, 6, 'fails');
  claim(found, 'dns', 'failed', /did not answer/);
  const numeric = await examine(inside, ['--user', '100', '--server', OUTSIDE, ...everything], 'secret');
  ends(numeric, 6, 'fails');
  for (const name of ['udp', 'tcp']) claim(numeric, name, name === 'udp' ? 'failed' : 'note', /is silent/);
  claim(numeric, 'public-address', 'failed', /STUN/);
  // Ctrl-C in the middle of it.
  const peer = inside.spawn('ringback-doctor-interrupted', [...inside.ringback, 'doctor', OUTSIDE]);
  await sleep(1_000);
  peer.kill('SIGINT');
  const code = await within('ringback doctor to end', peer.exited, 2_000);
  check(code === 130, `Ctrl-C ended it with ${code}:\n${tail(peer.output())}`);
}

/** A server that sees and sends back a Via and a Call-ID that a router on the way has rewritten, and sends a Date. */
async function rewritten(lab: Lab): Promise<void> {
  const socket = createSocket('udp4');
  lab.defer(() => void socket.close());
  const hourAgo = new Date(Date.now() - 3_600_000).toUTCString();
  socket.on('message', (bytes, { address, port }) => {
    const request = bytes.toString('latin1');
    if (!request.startsWith('OPTIONS ')) return;
    const response = responseText(request, '200 OK')
      .replace(/^(Via: SIP\/2\.0\/UDP )[^;]*/m, '$1203.0.113.77:5060')
      .replace('Content-Length', `Date: ${hourAgo}\r\nContent-Length`);
    socket.send(Buffer.from(response, 'latin1'), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, LOOPBACK, resolve));
  const found = await examine(lab, [`${LOOPBACK}:${socket.address().port}`]);
  ends(found, 0, 'limited');
  claim(
    found,
    'sip-alg',
    'warning',
    /Via went as .* and came back as .*203\.0\.113\.77/,
    /turn the SIP ALG off/,
  );
  claim(found, 'clock', 'warning', /60 min ahead of the Date of/);
  claim(found, 'tcp', 'note');
}

/** The firewall outside drops SIP over UDP; TCP comes through. */
async function dropped(lab: Lab): Promise<void> {
  const { outside, home } = await openInternet(lab);
  const { inside } = await home(['symmetric']);
  const kamailio = await startKamailio(outside, { address: OUTSIDE });
  const rules = [
    'add table ip wall',
    'add chain ip wall in { type filter hook input priority 0; policy accept; }',
    `add rule ip wall in udp dport ${kamailio.port} drop`,
  ];
  const [exec] = [outside.ringback.slice(0, 4)];
  await output([...exec, 'nft', rules.join('; ')]);
  const args = account(kamailio.port, kamailio.domain, OUTSIDE);
  const found = await examine(inside, args, kamailio.password);
  ends(found, 6, 'fails');
  claim(found, 'udp', 'failed', /is silent/, /use --transport tcp/);
  claim(found, 'tcp', 'ok', /200 /);
  const advised = await examine(inside, [...args, '--transport', 'tcp'], kamailio.password);
  ends(advised, 0, 'works');
  claim(advised, 'udp', 'note');
}

export const doctorScenarios: readonly Scenario[] = [
  {
    name: 'doctor: Kamailio is reached over UDP and TCP, and the password is right',
    needs,
    async run(lab) {
      const kamailio = await startKamailio(lab);
      const found = await examine(lab, account(kamailio.port, kamailio.domain), kamailio.password);
      ends(found, 0, 'works');
      for (const transport of ['udp', 'tcp']) claim(found, transport, 'ok', /200 OK in \d/, /kamailio/);
      claim(found, 'public-address', 'ok', /no NAT in between/);
      claim(found, 'sip-alg', 'ok');
      claim(found, 'clock', 'unknown', /sends no Date/);
      claim(found, 'credentials', 'ok', /takes the password/);
      const locations = await kamailio.locations();
      check(!/AoR: 100/.test(locations), `it bound something:\n${locations}`);
      const wrong = await examine(lab, account(kamailio.port, kamailio.domain), 'open-sesame-2');
      ends(wrong, 3, 'fails');
      claim(wrong, 'credentials', 'failed', /refused/);
    },
  },
  {
    name: 'doctor: a port with nothing behind it, and a port of ours that somebody has',
    needs,
    async run(lab) {
      const dead = lab.port();
      const found = await examine(lab, [`${LOOPBACK}:${dead}`]);
      ends(found, 6, 'fails');
      claim(found, 'udp', 'failed', /refuses: nobody listens there/);
      claim(found, 'tcp', 'note', /refuses/);
      const kamailio = await startKamailio(lab);
      const port = ['--sip-port', `${kamailio.port}`];
      const taken = await examine(lab, [`${LOOPBACK}:${kamailio.port}`, ...port]);
      ends(taken, 6, 'fails');
      claim(taken, 'sip-port', 'failed', /belongs to kamailio \(process \d+\)/);
    },
  },
  {
    name: 'doctor: found by DNS, the first server dead; a name that is not there; a name server that is silent',
    needs,
    async run(lab) {
      const kamailio = await startKamailio(lab);
      const dead = lab.port();
      const dns = await startDns(lab, zone(dead, kamailio.port));
      const found = await examine(lab, [DOMAIN, '--dns', dns.address]);
      ends(found, 0, 'limited');
      const order = `tried at udp ${LOOPBACK}:${dead}, then udp ${LOOPBACK}:${kamailio.port}`;
      claim(found, 'dns', 'ok', new RegExp(order), /by NAPTR, then SRV/, /SRV _sip\._udp\..*: 10 0 \d+ dead/);
      claim(found, 'udp', 'warning', /refuses|is silent/, /200 OK/);
      const nowhere = await examine(lab, [`nowhere.${DOMAIN}`, '--dns', dns.address]);
      ends(nowhere, 6, 'fails');
      claim(nowhere, 'dns', 'failed', /has no address in DNS/);
      const silent = await examine(lab, [DOMAIN, '--dns', `${LOOPBACK}:${lab.port()}`]);
      ends(silent, 6, 'fails');
      claim(silent, 'dns', 'failed', /did not answer/);
    },
  },
  ...(
    [
      ['a full-cone NAT', ['full cone']],
      ['a symmetric NAT', ['symmetric']],
      ['a router and a carrier NAT', ['port restricted', 'full cone']],
    ] as const
  ).map(
    ([name, kinds]): Scenario => ({
      name: `doctor: behind ${name}, with one vantage point and with two`,
      needs: [...needs, 'ip', 'nft', 'turnserver'],
      run: (lab) => behind(lab, kinds),
    }),
  ),
  { name: 'doctor: this machine alone, and STUN', needs: ['ip', 'nft', 'turnserver'], run: alone },
  {
    name: 'doctor: the SIP ALG of a Linux router',
    needs: [...needs, 'ip', 'nft'],
    run: sipHelper,
  },
  {
    name: 'doctor: nothing answers at all, and it ends within 10 s; Ctrl-C ends it with 130',
    needs: ['ip', 'nft'],
    run: blackHole,
  },
  { name: 'doctor: a Via that was rewritten on the way, and a clock that is wrong', run: rewritten },
  {
    name: 'doctor: a firewall drops UDP, TCP answers',
    needs: [...needs, 'ip', 'nft'],
    limitS: 60,
    run: dropped,
  },
];
