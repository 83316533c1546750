import { type Address, type IbGib, mergeMarkOf, ownerOf, previousOf } from "../ibgib/index.js";
import { isListIb } from "../lists/index.js";
import { isSame, member } from "./content.js";
import { basesOf, graftbaseOf } from "./fold.js";
import type { MergeFunctions } from "./functions.js";
import { withoutAncestors } from "./heads.js";
import { type Frame, type FrameReader, History, type MergeOptions } from "./history.js";
import { listFunction } from "./list-function.js";
import { frameOf, mergeHeads } from "./merge-tips.js";
import { refuseMerge } from "./refusals.js";

/**
 * Checks a merge frame from someone else: which frames it brings together, their order, its number and links, and the
 * members that a timeline carries along, for every function; and, where the function is built in, all it says. A
 * function that was registered here computes again as well, but proves nothing to others.
 *
 * @param frame An admitted record.
 * @param reader Has the frames it brings together and their history, staged ones too.
 * @throws KeysagaError `merge_refused` with the rule it breaks; `record_missing`, `limit_exceeded`, `merge_failed`.
 */
export async function checkMerge(
  frame: IbGib,
  reader: FrameReader,
  functions: MergeFunctions,
  options?: MergeOptions,
): Promise<void> {
  const mark = mergeMarkOf(frame) ?? refuseMerge("merge_refused", "not_a_merge");
  const named = mergedHeadsOf(frame);
  const history = new History(reader, options);
  history.checkHeads(named.length);
  const heads = await checkHeads(named, history);
  const graftbase = graftbaseOf(await basesOf(heads, history));
  const first = await history.first();
  checkFrame(frame, heads, graftbase, first);
  const fn = functions.named(mark);
  if (isListIb(first.ib) !== (fn === listFunction)) refuseMerge("merge_refused", "content");
  if (fn === undefined) return;
  const expected = await mergeHeads(heads, history, fn);
  if (expected.address !== frame.address) refuseMerge("merge_refused", "content");
}

async function checkHeads(named: readonly Address[], history: History): Promise<readonly Frame[]> {
  const frames = await history.frames(named);
  const heads = await withoutAncestors(frames, history);
  const areHeads =
    named.length > 1 && heads.length === named.length && heads.every(({ isMerge }) => !isMerge);
  if (!areHeads) refuseMerge("merge_refused", "heads");
  if (!heads.every(({ address }, at) => address === named[at])) refuseMerge("merge_refused", "order");
  return heads;
}

function checkFrame(
  frame: IbGib,
  heads: readonly Frame[],
  graftbase: readonly Address[],
  first: IbGib,
): void {
  const { links, members } = frameOf(heads, graftbase, first);
  const said = frame.data instanceof Uint8Array ? {} : (frame.data ?? {});
  const { n, ...carried } = members;
  if (!isSame(member(said, "n"), n)) refuseMerge("merge_refused", "n");
  const has = (name: string) => isSame(member(frame.rel8ns ?? {}, name), links[name]);
  if (!has("graftbase")) refuseMerge("merge_refused", "graftbase");
  // A merge has no maker: in a timeline with an owner it names none.
  const carriedNames = ["uuid", "owner", "within", ...(ownerOf(first) ? ["by"] : [])];
  const areCarried = carriedNames.every((name) => isSame(member(said, name), member(carried, name)));
  if (!["past", "tjp", "graftorphan"].every(has) || !areCarried) refuseMerge("merge_refused", "members");
}

/** The frames that a merge frame says it brings together, in its order. */
export function mergedHeadsOf(record: IbGib): readonly Address[] {
  const past = previousOf(record);
  const rest = record.rel8ns?.["graftorphan"] ?? [];
  return past === undefined ? rest : [past, ...rest];
}
