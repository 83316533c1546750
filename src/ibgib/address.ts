import { KeysagaError } from "../base/index.js";

declare const addressBrand: unique symbol;

/**
 * `ib^gib`, syntactically right: a non-empty ib without `^` or lone surrogates, and a gib that is `gib` (a
 * primitive), 64 upper-case hex digits, or two such with a dot between them (a later frame and its timeline).
 */
export type Address = string & { readonly [addressBrand]: true };

/** The literal gib of a primitive. */
export const primitiveGib = "gib";

/** Written out: V8 takes twice the time to count to 64, and every link comes by here. */
const hashPattern = "[0-9A-F]".repeat(64);
const gibPattern = `(?:${primitiveGib}|${hashPattern}(?:\\.${hashPattern})?)`;
const ibPattern = "[^^\\p{Surrogate}]+";

const addressShape = new RegExp(`^${ibPattern}\\^${gibPattern}$`, "u");
const gibShape = new RegExp(`^${gibPattern}$`);
const identityShape = new RegExp(`^keystone\\.identity\\^${hashPattern}$`);
const ibShape = new RegExp(`^${ibPattern}$`, "u");

export function isAddress(value: unknown): value is Address {
  return typeof value === "string" && addressShape.test(value);
}

/** @throws KeysagaError `record_refused`, rule `address`. */
export function parseAddress(text: unknown): Address {
  if (!isAddress(text)) throw new KeysagaError("record_refused", { rule: "address" });
  return text;
}

/** @throws KeysagaError `record_refused`, rule `address`, where the two do not make one. */
export function addressOf(ib: string, gib: string): Address {
  return parseAddress(`${ib}^${gib}`);
}

/** The address of an ib and a gib that `isIb` and `isGib` have let pass. */
export function joinAddress(ib: string, gib: string): Address {
  return `${ib}^${gib}` as Address; // what makes an address is what those two have checked
}

/** Non-empty, no `^`, no lone surrogate. */
export function isIb(value: unknown): value is string {
  return typeof value === "string" && ibShape.test(value);
}

export function isGib(value: unknown): value is string {
  return typeof value === "string" && gibShape.test(value);
}

export function ibOf(address: Address): string {
  return address.slice(0, address.indexOf("^"));
}

export function gibOf(address: Address): string {
  return address.slice(address.indexOf("^") + 1);
}

/** Primitives stand for their ib alone and are never stored. */
export function isPrimitive(address: Address): boolean {
  return address.endsWith("^gib");
}

/** The record's own hash, 64 hex digits; `gib` for a primitive. */
export function hashOf(address: Address): string {
  return gibOf(address).slice(0, 64);
}

/** The hash of the first frame of the timeline, in the address of a later frame; else undefined. */
export function tjpHashOf(address: Address): string | undefined {
  const gib = gibOf(address);
  return gib.length > 64 ? gib.slice(65) : undefined;
}

/** Could this be an identity: the address of the first frame of a keystone of that kind? */
export function isIdentityAddress(value: unknown): value is Address {
  return typeof value === "string" && identityShape.test(value);
}

/** For logs and messages to people: `note^9F2C…`, or `note^9F2C….A01B…` for a later frame. */
export function shortAddress(address: Address): string {
  const gib = gibOf(address);
  const short = gib.split(".").map((hash) => (hash.length > 4 ? `${hash.slice(0, 4)}…` : hash));
  return `${ibOf(address)}^${short.join(".")}`;
}

/** Keystone frames and contexts: they live apart from domain records and never travel as such. */
export function isReservedIb(ib: string): boolean {
  return /^(?:keystone|context)(?:[ .]|$)/.test(ib);
}
