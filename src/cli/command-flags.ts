/** Flags that commands take together: named here once, so that one that is new reaches all of them. */

/** Where settings come from. */
export const CONFIGURATION = ['config', 'env-file'] as const;
/** Who registers where. */
export const ACCOUNT = [
  'user',
  'password',
  'password-file',
  'auth-user',
  'server',
  'port',
  'domain',
  'transport',
  'proxy',
  'expires',
] as const;
/** A ping and a call register nothing: they need to know who asks, and where the password may go. */
export const ONCE_ACCOUNT = ACCOUNT.filter((name) => name !== 'expires');
/** Of OPTIONS. */
export const PING = ['count', 'interval', 'timeout'] as const;
/** Who holds what was begun. */
export const AGENT = ['foreground'] as const;
/** Of a call that we place. */
export const CALL = [
  'play',
  'record',
  'dtmf',
  'duration',
  'ring-timeout',
  'header',
  'sdp-file',
  'invite-without-sdp',
] as const;
/** Certificates, and the port. */
export const TLS = ['tls-ca', 'tls-cert', 'tls-key', 'tls-port', 'tls-insecure'] as const;
/** How an endpoint is reached: for a background agent, settled when it starts. */
export const NETWORK = [
  'bind',
  'sip-port',
  'rtp-ports',
  'dns',
  'advertise-ip',
  'advertise-media-ip',
  'contact-as-sent',
  'keepalive',
  'keepalive-by',
  'outbound',
  'stun',
  ...TLS,
] as const;
/** How calls that come in are answered. */
export const CALLS = [
  'max-calls',
  'ring-delay',
  'answer-delay',
  'media-timeout',
  'max-duration',
  'prack',
  'echo-messages',
  'sample-interval',
  'media-threads',
] as const;
/** What is written down of a session. */
export const RECORDS = ['trace', 'transcript'] as const;
/** What is printed. */
export const OUTPUT = ['json', 'plain', 'raw', 'seed', 'verbose', 'quiet'] as const;
