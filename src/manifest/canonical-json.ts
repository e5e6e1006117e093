/**
 * JSON with one spelling: keys sorted by UTF-16 code unit, two spaces, LF, final newline (config.md). Members that are
 * `undefined` are left out. Throws a TypeError for what JSON cannot hold (NaN, infinities, functions, cycles).
 */
export function canonicalJson(value: unknown): string {
  return `${JSON.stringify(normal(value, []), null, 2)}\n`;
}

function normal(value: unknown, above: readonly object[]): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`JSON cannot hold the number ${value}.`);
    return value;
  }
  if (typeof value !== 'object') throw new TypeError(`JSON cannot hold a ${typeof value}.`);
  if (above.includes(value)) throw new TypeError('JSON cannot hold an object that contains itself.');
  const path = [...above, value];
  if (Array.isArray(value)) return value.map((member) => normal(member, path));
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  // Without a prototype, so that a key `__proto__` is a member like any other. JSON.stringify puts keys that are array indices
  // first; that order is stable too, and so is the spelling.
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of members) result[key] = normal(member, path);
  return result;
}
