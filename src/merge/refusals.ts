import { KeysagaError } from "../base/index.js";

/** Why a frame is not taken for a merge, or tips are not merged: the fact `rule` of a `merge_refused`. */
export type MergeRule =
  /** Two tips belong to two timelines. */
  | "timeline"
  /** A record belongs to no timeline. */
  | "not_a_frame"
  /** The frame names no function. */
  | "not_a_merge"
  /** It brings together a merge, an ancestor of another, the same frame twice, or fewer than two. */
  | "heads"
  | "order"
  | "n"
  | "graftbase"
  /** Its other links or members are not what a merge has. */
  | "members"
  /** Computed again, it is another record. */
  | "content";

/** Why no merge came about: the fact `rule` of a `merge_failed`. */
export type MergeFailure =
  /** The function threw. */
  | "threw"
  /** It gave two answers to the same question. */
  | "not_deterministic"
  /** What it gave is not what a frame can say. */
  | "result"
  /** A function was registered under a name that is taken or empty, or with a version that is no positive integer. */
  | "name";

export function refuseMerge(code: "merge_refused", rule: MergeRule): never;
export function refuseMerge(code: "merge_failed", rule: MergeFailure, cause?: unknown): never;
export function refuseMerge(
  code: "merge_refused" | "merge_failed",
  rule: MergeRule | MergeFailure,
  cause?: unknown,
): never {
  throw new KeysagaError(code, { rule }, cause === undefined ? undefined : { cause });
}
