/** What a response to a ping says of its writer (RFC 3261 §11.2, §20.35), and to a REGISTER that asks (§10.3). */
import type { EventOf } from '../events.ts';
import { allValues } from './list.ts';
import { type SipResponse, value } from './message.ts';
import { displayText } from './text.ts';

/** Words of one list in the event: no peer supports more. */
const MAX_WORDS = 64;

type Abilities = Pick<EventOf<'ping.answered'>, 'server' | 'allow' | 'supported' | 'accept'>;

/** Server, Allow, Supported and Accept; a list that cannot be read is left out. */
export function abilities(response: SipResponse): Abilities {
  const server = value(response, 'Server') ?? value(response, 'User-Agent');
  const words = (name: string): string[] | undefined => {
    const values = allValues(response, name);
    if (!values.ok || values.value.length === 0) return undefined;
    return values.value.slice(0, MAX_WORDS).map(({ text }) => displayText(text));
  };
  const [allow, supported, accept] = [words('Allow'), words('Supported'), words('Accept')];
  return {
    ...(server === undefined ? undefined : { server: displayText(server) }),
    ...(allow === undefined ? undefined : { allow }),
    ...(supported === undefined ? undefined : { supported }),
    ...(accept === undefined ? undefined : { accept }),
  };
}

/** §10.3: a 2xx to a REGISTER lists every binding. */
export function boundContacts(response: SipResponse): string[] {
  const values = allValues(response, 'Contact');
  return values.ok ? values.value.slice(0, MAX_WORDS).map(({ text }) => displayText(text)) : [];
}
