/**
 * Everything that an endpoint holds, whatever it is called: all maps, sets and lists that can be reached from it, by
 * the way there. What it tells of itself (`alive`) cannot show what it has forgotten that it holds.
 */

/** How many entries stand at the end of each way; `parts.calls.byDialog` 3. Empty ones are left out. */
export function holdings(root: object): Map<string, number> {
  const found = new Map<string, number>();
  const seen = new Set<object>();
  const open: [string, object][] = [['', root]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [way, value] = next;
    if (seen.has(value) || ArrayBuffer.isView(value)) continue;
    seen.add(value);
    if (value instanceof Map || value instanceof Set || Array.isArray(value)) {
      const size = Array.isArray(value) ? value.length : value.size;
      if (size > 0) found.set(way, (found.get(way) ?? 0) + size);
      for (const entry of value.values()) if (isObject(entry)) open.push([`${way}[]`, entry]);
    } else {
      for (const [name, entry] of Object.entries(value)) {
        if (isObject(entry)) open.push([way === '' ? name : `${way}.${name}`, entry]);
      }
    }
  }
  return found;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
