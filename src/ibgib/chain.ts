import { KeysagaError } from "../base/index.js";
import { type Address, isIdentityAddress } from "./address.js";
import { isMerge, isStandIn, isTjp, nOf, ownerOf, tjpOf, withinOf } from "./frame.js";
import type { IbGib } from "./record.js";

/** Why a frame does not continue its timeline: the fact `rule` of a `chain_refused`. */
export type ChainRule =
  | "by"
  | "not_first"
  | "not_a_frame"
  | "n"
  | "owner"
  | "past"
  | "raw_data"
  | "stand_in"
  | "structural_link"
  | "timeline_member"
  | "tjp"
  | "within";

/**
 * That the first frame of another owner's timeline is `within` one of that owner is for `isWithinOwners`, which
 * has the other timeline at hand.
 *
 * @throws KeysagaError `chain_refused` where `frame` cannot start a timeline: `not_first`, an `n` other than 0, or as
 *   `checkMaker`.
 */
export function checkFirst(frame: IbGib): void {
  if (!isTjp(frame)) refuseChain("not_first");
  if (frame.member("n") !== undefined && nOf(frame) !== 0) refuseChain("n");
  checkMaker(frame, frame);
}

/**
 * Checks that `frame` comes right after `parent`; whom it may name is for `checkMaker`. Costs no hash: both are admitted
 * records.
 *
 * A `past` longer than the frame before has to be the whole chain; of that, this sees the first, the number, and
 * what `parent` shows of it.
 *
 * @param parent Itself checked before.
 * @throws KeysagaError `chain_refused`: `not_a_frame` (the parent), `stand_in` (the parent: nothing goes on from one),
 *   `tjp`, `n` or `past`.
 */
export function checkSuccessor(frame: IbGib, parent: IbGib): void {
  const tjp = tjpOf(parent) ?? refuseChain("not_a_frame");
  if (isStandIn(parent)) refuseChain("stand_in");
  if (isTjp(frame) || tjpOf(frame) !== tjp) refuseChain("tjp");
  // A first frame by other software may have no n; the next one then is number 0.
  const n = (nOf(parent) ?? -1) + 1;
  if (nOf(frame) !== n) refuseChain("n");
  if (!isPastOf(frame.rel8ns?.["past"] ?? [], parent, tjp, n)) refuseChain("past");
}

/**
 * A first frame that somebody has made for another owner is right only within a timeline of that owner, as a
 * collaborator adds a file to a folder. True for every other first frame.
 *
 * @param outer The first frame of the timeline that `first` is within.
 */
export function isWithinOwners(first: IbGib, outer: IbGib): boolean {
  const owner = ownerOf(first);
  if (owner === undefined || first.member("by") === undefined) return true;
  return outer.address === withinOf(first) && ownerOf(outer) === owner;
}

/**
 * In a timeline with an owner, `by` names an identity that is not the owner, and no merge has it; who names a maker
 * repeats the owner as well, so that the next frame can be made from this one alone. Nobody becomes the owner later.
 *
 * @param first The first frame of the timeline, which names the owner.
 * @throws KeysagaError `chain_refused`: `owner`, `by`, or `within` for a first frame that is within nothing.
 */
export function checkMaker(frame: IbGib, first: IbGib): void {
  const [owner, said, by] = [ownerOf(first), ownerOf(frame), frame.member("by")];
  const isNamed = owner !== undefined && by !== undefined;
  if (said !== owner && (said !== undefined || isNamed)) refuseChain("owner");
  if (!isNamed) return;
  if (!isIdentityAddress(by) || by === owner || isMerge(frame)) refuseChain("by");
  if (isTjp(frame) && withinOf(frame) === undefined) refuseChain("within");
}

function isPastOf(past: readonly Address[], parent: IbGib, tjp: Address, n: number): boolean {
  if (past.at(-1) !== parent.address) return false;
  if (past.length === 1) return true;
  const shown = [...(parent.rel8ns?.["past"] ?? []), parent.address];
  if (!shown.every((address, at) => address === past.at(at - shown.length))) return false;
  if (shown[0] === tjp) return past.length === shown.length;
  // Before frame n stand n frames, or n + 1 where the first had no number.
  const isWhole = past[0] === tjp && (past.length === n || past.length === n + 1);
  return isWhole && new Set(past).size === past.length;
}

export function refuseChain(rule: ChainRule): never {
  throw new KeysagaError("chain_refused", { rule });
}
