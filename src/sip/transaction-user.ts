/** Whoever may wait for the response to a request of ours. */
import type { Call } from './call.ts';
import type { OptionsKeepalive } from './keepalive-options.ts';
import type { MessageEcho } from './pager-message.ts';
import type { Ping } from './ping.ts';
import type { Registration } from './registration-state.ts';
import type { ProxyBranch } from './response-context.ts';

export type TransactionUser = Call | Registration | MessageEcho | Ping | ProxyBranch | OptionsKeepalive;
