/** Every scenario, in one table. */

import type { Scenario } from './scenario.ts';
import { addressScenarios } from './scenarios/addresses.ts';
import { agentScenarios } from './scenarios/agent.ts';
import { audioScenarios } from './scenarios/audio.ts';
import { bidDownScenarios } from './scenarios/bid-down.ts';
import { callScenarios } from './scenarios/calls.ts';
import { changingScenarios } from './scenarios/changing.ts';
import { dialogScenarios } from './scenarios/dialogs.ts';
import { dnsScenarios } from './scenarios/dns.ts';
import { doctorScenarios } from './scenarios/doctor.ts';
import { doctorTlsScenarios } from './scenarios/doctor-tls.ts';
import { failingScenarios } from './scenarios/failing.ts';
import { frameScenarios } from './scenarios/frame.ts';
import { holdingScenarios } from './scenarios/holding.ts';
import { inviteScenarios } from './scenarios/invites.ts';
import { keepaliveScenarios } from './scenarios/keepalive.ts';
import { labScenarios } from './scenarios/lab.ts';
import { mediaScenarios } from './scenarios/media.ts';
import { messageScenarios } from './scenarios/messages.ts';
import { natScenarios } from './scenarios/nat.ts';
import { natMediaScenarios } from './scenarios/nat-media.ts';
import { natRebindingScenarios } from './scenarios/nat-rebinding.ts';
import { outboundScenarios } from './scenarios/outbound.ts';
import { pingScenarios } from './scenarios/ping.ts';
import { placingScenarios } from './scenarios/placing.ts';
import { registrarScenarios } from './scenarios/registrar.ts';
import { registrationScenarios } from './scenarios/registration.ts';
import { replayScenarios } from './scenarios/replay.ts';
import { requestScenarios } from './scenarios/requests.ts';
import { screenScenarios } from './scenarios/screen.ts';
import { serverScenarios } from './scenarios/servers.ts';
import { sloppyScenarios } from './scenarios/sloppy.ts';
import { stoppingScenarios } from './scenarios/stopping.ts';
import { strangerScenarios } from './scenarios/strangers.ts';
import { stunScenarios } from './scenarios/stun.ts';
import { talkScenarios } from './scenarios/talk.ts';
import { tlsScenarios } from './scenarios/tls.ts';
import { tortureScenarios } from './scenarios/torture.ts';

export type { Scenario } from './scenario.ts';

export const scenarios: readonly Scenario[] = [
  ...holdingScenarios,
  ...keepaliveScenarios,
  ...labScenarios,
  ...agentScenarios,
  ...frameScenarios,
  ...callScenarios,
  ...inviteScenarios,
  ...dialogScenarios,
  ...messageScenarios,
  ...requestScenarios,
  ...pingScenarios,
  ...doctorScenarios,
  ...doctorTlsScenarios,
  ...bidDownScenarios,
  ...audioScenarios,
  ...mediaScenarios,
  ...talkScenarios,
  ...registrationScenarios,
  ...outboundScenarios,
  ...serverScenarios,
  ...dnsScenarios,
  ...registrarScenarios,
  ...tlsScenarios,
  ...natScenarios,
  ...natMediaScenarios,
  ...natRebindingScenarios,
  ...addressScenarios,
  ...stunScenarios,
  ...stoppingScenarios,
  ...sloppyScenarios,
  ...strangerScenarios,
  ...placingScenarios,
  ...failingScenarios,
  ...changingScenarios,
  ...tortureScenarios,
  ...screenScenarios,
  ...replayScenarios,
];
