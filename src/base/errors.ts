import { type ErrorCode, errorTable } from "./error-table.js";

/**
 * What helps to understand a failure and to end it: rules, counts, addresses, paths. Never data, never a secret, never sent
 * to the peer. Text that the other side chose is `printable`.
 */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * What is said of a limit: whose it is (`ours`: of the side that throws), its name and its value. The other side tells
 * no more than that there is one.
 */
export type LimitFacts = Facts &
  ({ readonly side: "ours"; readonly limit: string; readonly max: number } | { readonly side: "theirs" });

/** The one error class. What a peer can cause is a `KeysagaError`; what only our own bug can cause is an `assert`. */
export class KeysagaError extends Error {
  override readonly name = "KeysagaError";

  readonly code: ErrorCode;
  readonly facts: Facts;

  constructor(code: "limit_exceeded", facts: LimitFacts, options?: ErrorOptions);
  constructor(code: Exclude<ErrorCode, "limit_exceeded">, facts?: Facts, options?: ErrorOptions);
  constructor(code: ErrorCode, facts: Facts = {}, options?: ErrorOptions) {
    super(describeError(code, facts), options);
    this.code = code;
    this.facts = facts;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }

  get tellPeer(): boolean {
    return errorTable[this.code].tellPeer;
  }
}

/** The message of an error: what happened, what to do, and the facts. */
export function describeError(code: ErrorCode, facts: Facts = {}): string {
  const { text, remedy } = errorTable[code];
  const told = Object.entries(facts).filter(([, value]) => value !== undefined);
  if (told.length === 0) return `${text} ${remedy}`;
  return `${text} ${remedy} (${told.map(([name, value]) => `${name}: ${value}`).join(", ")})`;
}

/** A limit of this side that was exceeded, by its name and value. */
export function limitExceeded(limit: string, max: number, options?: ErrorOptions): KeysagaError {
  return new KeysagaError("limit_exceeded", { side: "ours", limit, max }, options);
}

/** Is it one of these limits of this side that was exceeded? */
export function isLimit(thrown: unknown, names: readonly string[]): boolean {
  return (
    thrown instanceof KeysagaError &&
    thrown.code === "limit_exceeded" &&
    names.includes(String(thrown.facts["limit"]))
  );
}

/** What went wrong elsewhere: at the other side, or in another process of this one, whose facts come along. */
export function errorFromElsewhere(code: ErrorCode, facts: Facts): KeysagaError {
  if (code !== "limit_exceeded") return new KeysagaError(code, facts);
  const { side, limit, max } = facts;
  const isOurs = side === "ours" && typeof limit === "string" && typeof max === "number";
  return new KeysagaError(code, isOurs ? { ...facts, side, limit, max } : { ...facts, side: "theirs" });
}

/** Any thrown value as a `KeysagaError`: what is not one already is `fallback`, with the original as its cause. */
export function toKeysagaError(
  thrown: unknown,
  fallback: Exclude<ErrorCode, "limit_exceeded"> = "internal",
): KeysagaError {
  return thrown instanceof KeysagaError ? thrown : new KeysagaError(fallback, {}, { cause: thrown });
}

/** Fails on what only a bug of this package can cause. */
export function assert(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(`keysaga bug: ${what}`);
}
