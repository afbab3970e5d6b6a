/**
 * The target set of a request (RFC 3261 §16.5): the bindings of a user of ours, or the Request-URI as it is.
 *
 * A binding may name another user of ours (a forwarded phone). It is followed here and not over the network, because
 * our own request would come back without the credentials that we took out of it.
 */
import type { Flow } from './flow.ts';
import { MAX_BRANCHES } from './limits.ts';
import type { LocationService } from './location-service.ts';
import { type FlowBinding, isSamePhone } from './outbound-binding.ts';
import type { OwnDomain } from './own-domain.ts';
import { withParams } from './params.ts';
import type { Realm } from './realm.ts';
import { fail, ok, type Result } from './result.ts';
import { isSips } from './sips.ts';
import { displayText } from './text.ts';
import { parseUri, serializeUri, unescapeUri, userOf } from './uri.ts';

/** One way that a request may take. */
export interface Target {
  readonly uri: string;
  /** The higher, the sooner. */
  readonly q: number;
  /** Route values in front of all others (RFC 3327 §5.3). */
  readonly path: readonly string[];
  /** Where the phone was heard, when its URI is not the way to it. */
  readonly reach: Flow | undefined;
  /** It registered the flow that it is reached on (RFC 5626 §6). */
  readonly registered?: FlowBinding;
  /** Further flows to the same phone, the next one first: tried when this one fails, never beside it (RFC 5626 §7). */
  readonly otherFlows?: readonly Target[];
}

/** What a proxy looks targets up in. */
export interface Places {
  readonly own: OwnDomain;
  readonly realm: Realm;
  readonly location: LocationService;
}

/** The user of ours that a URI means, escapes resolved; undefined when it means somebody or something else. */
export function ownUser({ own }: Places, text: string): string | undefined {
  const uri = parseUri(text);
  if (!uri.ok) return undefined;
  // A number without a domain is for whoever gets it.
  const ours = uri.value.kind === 'sip' ? own.isOurs(uri.value) : uri.value.scheme === 'tel';
  const user = ours ? userOf(text) : undefined;
  return user === undefined ? undefined : unescapeUri(user);
}

/** Targets in groups, to be tried one after the other; those of a group at once. Errors: 404, 480, 482. */
export function findTargets(
  places: Places,
  uri: string,
  nowMs: number,
): Result<readonly (readonly Target[])[]> {
  const user = ownUser(places, uri);
  if (user === undefined) {
    const reach = places.location.reachOf(uri);
    return ok([[{ uri, q: 1, path: [], reach }]]);
  }
  if (!places.realm.has(user)) return fail('user-unknown', 0, 404, `there is no user ${displayText(user)}`);
  const targets = new Map<string, Target>();
  const circle = follow(places, user, nowMs, undefined, targets, new Set());
  if (targets.size > 0) {
    const fit = byPhone([...targets.values()]).flatMap((target) => inScheme(target, isSips(uri)));
    if (fit.length > 0) return ok(byPreference(fit.slice(0, MAX_BRANCHES)));
    const detail = `${displayText(user)} has registered no sips: Contact (RFC 5630 §5.3)`;
    return fail('not-registered-securely', 0, 480, detail);
  }
  if (circle) return fail('loop-detected', 0, 482, `the bindings of ${displayText(user)} go in a circle`);
  return fail('not-registered', 0, 480, `sip:${displayText(user)}@${places.realm.name} is not registered`);
}

/**
 * RFC 5630 §5.3: a `sips:` request goes to `sips:` Contacts alone. A `sip:` request goes to all, and never becomes one of
 * `sips:` on its way: that Contact is written as what it is, one hop over TLS.
 */
function inScheme(target: Target, secure: boolean): Target[] {
  if (secure) return isSips(target.uri) ? [target] : [];
  const uri = parseUri(target.uri);
  if (!uri.ok || uri.value.kind !== 'sip' || uri.value.scheme === 'sip') return [target];
  const params = withParams(uri.value.params, { transport: 'tls' });
  return [{ ...target, uri: serializeUri({ ...uri.value, scheme: 'sip', params }) }];
}

/** Collects the bindings of a user, and of whom they name; each user once. Whether one was met twice. */
function follow(
  places: Places,
  user: string,
  nowMs: number,
  preference: number | undefined,
  targets: Map<string, Target>,
  passed: Set<string>,
): boolean {
  if (passed.has(user)) return true;
  passed.add(user);
  let circle = false;
  for (const binding of places.location.bindings(user, nowMs)) {
    const { uri, q: own, path, reach, registered } = binding;
    const q = preference ?? own;
    const next = path.length > 0 ? undefined : ownUser(places, uri);
    if (next !== undefined) circle = follow(places, next, nowMs, q, targets, passed) || circle;
    else {
      // Two flows of one phone may have one Contact.
      const key = registered === undefined ? uri : `${registered.regId} ${registered.instance}`;
      const target = { uri, q, path, reach };
      if (!targets.has(key)) targets.set(key, registered === undefined ? target : { ...target, registered });
    }
  }
  return circle;
}

/** RFC 5626 §7: of the flows of one phone the one that was registered last is tried, and the others behind it. */
function byPhone(targets: readonly Target[]): Target[] {
  const phones: Target[] = [];
  for (const target of targets.toReversed()) {
    const at = phones.findIndex(({ registered }) => isSamePhone(registered, target.registered));
    const known = phones[at];
    if (known === undefined) phones.unshift(target);
    else phones[at] = { ...known, otherFlows: [...(known.otherFlows ?? []), target] };
  }
  return phones;
}

/** §16.6: a proxy tries the most wanted first; what is wanted as much rings at once. */
function byPreference(targets: readonly Target[]): Target[][] {
  const groups = new Map<number, Target[]>();
  for (const target of targets) groups.set(target.q, [...(groups.get(target.q) ?? []), target]);
  return [...groups].sort(([a], [b]) => b - a).map(([, group]) => group);
}
