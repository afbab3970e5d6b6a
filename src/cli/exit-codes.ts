/**
 * What the process says to a script when it ends (the table in README.md). One meaning a number, the same in every
 * command, because a monitor has nothing else to go by.
 */
export const EXIT = {
  done: 0,
  /** A bug of ours. */
  internal: 1,
  /** Wrong usage or configuration; nothing was sent. */
  usage: 2,
  authenticationRefused: 3,
  /** Any other final status from 300 to 699. */
  peerRefused: 4,
  /** No answer in time. */
  timeout: 5,
  /** A port could not be bound, a name not resolved, a transport failed. */
  network: 6,
  /** Signalling was fine, media was not. */
  media: 7,
  /** 128 + the number of the signal, as a shell would say it. */
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** One of the codes above. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
