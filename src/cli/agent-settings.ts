/**
 * What is settled when an agent starts, and holds for whoever comes later: addresses, ports, DNS, keepalives, TLS.
 *
 * Why the agent says what it has: a flag is given on purpose, while SIP_ADVERTISE_IP and a configuration file stand
 * there at every command. Only what differs is worth a word.
 */
import type { Hello } from '../agent/control-client.ts';
import { serializeHostPort } from '../sip/host-port.ts';
import type { NETWORK } from './command-flags.ts';
import type { FlagName } from './flags.ts';
import type { Options } from './options.ts';
import { nameOf, type Settings } from './settings.ts';

/** Flag names and their texts; an empty text is a flag that stands alone. What is left out is not set. */
export type AgentSettings = NonNullable<Hello['settings']>;

/** What an agent has of those options, or would be started with. */
export function agentSettings(options: Options): AgentSettings {
  const { tls, stun, keepaliveMs } = options;
  const all: Readonly<Record<(typeof NETWORK)[number], string | undefined>> = {
    bind: options.bind,
    'sip-port': String(options.sipPort),
    'rtp-ports': options.rtpPorts.join('-'),
    dns: options.dns,
    'advertise-ip': options.advertiseIp,
    'advertise-media-ip': options.advertiseMediaIp,
    'contact-as-sent': options.contactAsSent ? '' : undefined,
    keepalive: String(keepaliveMs / 1000),
    'keepalive-by': options.keepaliveBy,
    outbound: options.outbound ? 'yes' : 'no',
    stun: stun && serializeHostPort(stun),
    'tls-ca': tls.ca,
    'tls-cert': tls.cert,
    'tls-key': tls.key,
    'tls-port': tls.port === undefined ? undefined : String(tls.port),
    'tls-insecure': tls.insecure === true ? '' : undefined,
  };
  const set = Object.entries(all).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]));
  return Object.fromEntries(set);
}

/** The same as words of a command line. */
export function settingWords(settings: AgentSettings): readonly string[] {
  return Object.entries(settings).flatMap(([name, text]) =>
    text === '' ? [`--${name}`] : [`--${name}`, text],
  );
}

/**
 * What was asked for and a running agent has otherwise, by the names that it was given under: "--stun", "SIP_ADVERTISE_IP".
 * An agent of another version does not say what it has: then every flag counts.
 */
export function unlikeAgent(
  given: Settings,
  wanted: AgentSettings,
  agent: AgentSettings | undefined,
): readonly string[] {
  return Object.keys(wanted).flatMap((name) => {
    const setting = given[name as FlagName];
    if (setting === undefined) return [];
    const differs = agent === undefined ? setting.source.kind === 'flag' : agent[name] !== wanted[name];
    return differs ? [nameOf(name as FlagName, setting.source)] : [];
  });
}
