/**
 * The target set of a request (RFC 3261 §16.5): the bindings of a user of ours, or the Request-URI as it is.
 *
 * A binding may name another user of ours (a forwarded phone). It is followed here and not over the network, because
 * our own request would come back without the credentials that we took out of it.
 */
import type { Flow } from './flow.ts';
import { MAX_BRANCHES } from './limits.ts';
import type { LocationService } from './location-service.ts';
import type { OwnDomain } from './own-domain.ts';
import type { Realm } from './realm.ts';
import { fail, ok, type Result } from './result.ts';
import { displayText } from './text.ts';
import { parseUri, unescapeUri, userOf } from './uri.ts';

/** One way that a request may take. */
export interface Target {
  readonly uri: string;
  /** The higher, the sooner. */
  readonly q: number;
  /** Route values in front of all others (RFC 3327 §5.3). */
  readonly path: readonly string[];
  /** Where the phone was heard, when its URI is not the way to it. */
  readonly reach: Flow | undefined;
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
  if (targets.size > 0) return ok(byPreference([...targets.values()].slice(0, MAX_BRANCHES)));
  if (circle) return fail('loop-detected', 0, 482, `the bindings of ${displayText(user)} go in a circle`);
  return fail('not-registered', 0, 480, `sip:${displayText(user)}@${places.realm.name} is not registered`);
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
  for (const { uri, q: own, path, reach } of places.location.bindings(user, nowMs)) {
    const q = preference ?? own;
    const next = path.length > 0 ? undefined : ownUser(places, uri);
    if (next !== undefined) circle = follow(places, next, nowMs, q, targets, passed) || circle;
    else if (!targets.has(uri)) targets.set(uri, { uri, q, path, reach });
  }
  return circle;
}

/** §16.6: a proxy tries the most wanted first; what is wanted as much rings at once. */
function byPreference(targets: readonly Target[]): Target[][] {
  const groups = new Map<number, Target[]>();
  for (const target of targets) groups.set(target.q, [...(groups.get(target.q) ?? []), target]);
  return [...groups].sort(([a], [b]) => b - a).map(([, group]) => group);
}
