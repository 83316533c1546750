import { isLimitName, showLimit } from "./limits.js";

/** As in the facts of a `limit_exceeded`; a limit at the door has no side. */
interface ExceededLimit {
  readonly side?: unknown;
  readonly limit?: unknown;
  readonly max?: unknown;
}

/**
 * A limit that was exceeded, as an operator reads it: whose it is, its name, its value, and how it is set.
 *
 * @param others What the other side is called.
 */
export function limitWords({ side, limit, max }: ExceededLimit, others = "the other side"): string {
  if (side === "theirs")
    return `a limit of ${others} was exceeded, which does not say which one: its log does`;
  const name = String(limit);
  const value = typeof max === "number" ? showLimit(name, max) : String(max);
  return `the limit ${name} of this side was exceeded: at most ${value}`;
}

/** Where the limit is a setting of `serve`: how to raise it. */
export function raiseWords({ limit }: ExceededLimit): string {
  return isLimitName(String(limit)) ? `; serve with --limit ${limit}=… to raise it` : "";
}
