/** Opens the control socket of a running endpoint: the agent's, or an echo's. */
import { join } from 'node:path';
import { AgentError } from '../agent/agent-error.ts';
import type { Lost } from '../agent/control-message.ts';
import { type ControlServer, serveControl } from '../agent/control-server.ts';
import type { Host } from '../agent/host.ts';
import { AGENT_SOCKET, reasonOf } from '../agent/runtime-folder.ts';

/** What the socket is opened with, beside its place. */
export interface ControlOptions {
  readonly folder: string;
  readonly host: Host;
  readonly settings?: Readonly<Record<string, string>>;
  readonly lost?: Lost;
  readonly onStop: (reason: string) => void;
  readonly onClients: () => void;
}

/** Opens it. Throws an `AgentError` when there can be none. */
export async function openControl(options: ControlOptions): Promise<ControlServer> {
  const { folder, host } = options;
  const path = join(folder, host.kind === 'agent' ? AGENT_SOCKET : `echo-${host.pid}.sock`);
  try {
    return await serveControl({ ...options, path });
  } catch (error) {
    throw new AgentError(`The control socket ${path} cannot be opened: ${reasonOf(error)}.`);
  }
}
