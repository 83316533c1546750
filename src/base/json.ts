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

/** Do no more than `depthMax` lists and objects lie inside one another? Looks no deeper than that. */
export function isWithinDepth(value: unknown, depthMax: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depthMax > 0 && Object.values(value).every((member) => isWithinDepth(member, depthMax - 1));
}

/** The same value, which nobody can change any more. Looks as deep as it goes: for what a scanner or writer has let pass. */
export function freezeDeep<Value extends Json>(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) freezeDeep(member);
  return Object.freeze(value);
}
