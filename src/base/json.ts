/** A JSON value as records hold it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** Do two values that JSON holds have the same normal form? The order of members does not matter. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const others = new Map<string, unknown>(Object.entries(b));
  const members: [string, unknown][] = Object.entries(a);
  return (
    members.length === others.size &&
    members.every(([name, member]) => others.has(name) && sameJson(member, others.get(name)))
  );
}
