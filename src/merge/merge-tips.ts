import { type JsonObject, KeysagaError } from "../base/index.js";
import { type Address, type IbGib, isStandIn, sealRecord } from "../ibgib/index.js";
import { jsonOf } from "./conflicts.js";
import { type Content, contentOf, member } from "./content.js";
import { basesOf, Fold, graftbaseOf } from "./fold.js";
import { functionFor } from "./function-for.js";
import type { MergeFunction, MergeFunctions } from "./functions.js";
import { isSameSet, tipHeads, withoutAncestors } from "./heads.js";
import { highestFunction } from "./highest-function.js";
import { type Frame, type FrameReader, History, type MergeOptions } from "./history.js";

/** A new frame to commit; or, where one of the tips already holds all the others do, that one. */
export type Merged = { readonly frame: IbGib } | { readonly same: Address };

/**
 * Brings tips of one timeline together. A pure function of the union of their heads: whichever peer calls it, with
 * the tips in whichever order, the frame has the same bytes. Nothing is written.
 *
 * The function is the one that the timeline's kind was registered with; else the one that the newest merge names among the
 * 64 newest frames of the tips' histories; else `fields`. Where that one is not here, the frame is a stand-in.
 *
 * Reads the frames since the tips parted, and the first frame; of a kind that is not registered a few more.
 *
 * @param tips At least one.
 * @throws KeysagaError `record_missing`, `limit_exceeded`, `merge_refused` (`timeline`, `not_a_frame`), `merge_failed`.
 *   Whatever it throws, the tips are as they were.
 */
export async function mergeTips(
  tips: readonly Address[],
  reader: FrameReader,
  functions: MergeFunctions,
  options?: MergeOptions,
): Promise<Merged> {
  const history = new History(reader, options);
  const held = await headsByTip(tips, history);
  const heads = await withoutAncestors([...held.values()].flat(), history);
  return bringTogether(heads, held, history, functions);
}

/**
 * The tip that heads come to: the head where there is one, else one of `tips` that has just these heads, else their merge.
 * Nothing is written.
 *
 * @param heads At least one, in fold order, none an ancestor of another and none a merge, as `countingHeads` gives them.
 * @param tips Tips that these heads were found below.
 * @throws KeysagaError as `mergeTips`.
 */
export async function mergeOf(
  heads: readonly Address[],
  tips: readonly Address[],
  reader: FrameReader,
  functions: MergeFunctions,
  options?: MergeOptions,
): Promise<Merged> {
  const [only] = heads;
  if (heads.length === 1 && only !== undefined) return { same: only };
  const history = new History(reader, options);
  const frames = await history.frames(heads);
  return bringTogether(frames, await headsByTip(tips, history), history, functions);
}

/** What is shown of heads that wait for their merge: the head where there is one, else their stand-in. */
export function standInFor(
  heads: readonly Address[],
  reader: FrameReader,
  options?: MergeOptions,
): Promise<Merged> {
  return mergeOf(heads, [], reader, { for: () => highestFunction, named: () => undefined }, options);
}

type HeadsByTip = ReadonlyMap<Frame, readonly Frame[]>;

async function headsByTip(tips: readonly Address[], history: History): Promise<HeadsByTip> {
  const held = new Map<Frame, readonly Frame[]>();
  for (const tip of new Set(tips)) held.set(await history.frame(tip), await tipHeads(tip, history));
  return held;
}

/** Tips of the same heads are one state, of which the lowest address stands; a stand-in gives way to any other merge. */
async function bringTogether(
  heads: readonly Frame[],
  held: HeadsByTip,
  history: History,
  functions: MergeFunctions,
): Promise<Merged> {
  history.checkHeads(heads.length);
  const same = [...held].flatMap(([tip, of]) => (isSameSet(of, heads) ? [tip] : [])).sort(lowestFirst);
  const stands = same.find(({ record }) => !isStandIn(record));
  if (stands) return { same: stands.address };
  const fn = await functionFor([...heads, ...held.keys()], history, functions);
  if (fn === highestFunction && same[0]) return { same: same[0].address };
  return { frame: await mergeHeads(heads, history, fn) };
}

function lowestFirst(a: Frame, b: Frame): number {
  return a.address < b.address ? -1 : 1;
}

/** The merge frame of two or more heads, in fold order, none an ancestor of another. */
export async function mergeHeads(
  heads: readonly Frame[],
  history: History,
  fn: MergeFunction,
): Promise<IbGib> {
  const bases = await basesOf(heads, history);
  const content = await new Fold(history, fn).heads(heads, bases);
  const first = await history.first();
  const seal = (said: Content) => sealMerge(said, heads, graftbaseOf(bases), fn, first);
  try {
    return seal(content);
  } catch (error) {
    if (!(error instanceof KeysagaError && error.code === "limit_exceeded")) throw error;
    return seal(firstOf(heads));
  }
}

/** The links and members of `data` that every merge of these heads has, whichever function made its content. */
export function frameOf(
  heads: readonly Frame[],
  graftbase: readonly Address[],
  first: IbGib,
): { readonly links: Content["rel8ns"]; readonly members: JsonObject } {
  const [newest, ...rest] = heads.map(({ address }) => address);
  const said = first.data instanceof Uint8Array ? {} : (first.data ?? {});
  const carried = ["uuid", "owner"].filter((name) => Object.hasOwn(said, name));
  return {
    links: { past: [newest!], tjp: [first.address], graftorphan: rest, graftbase },
    members: {
      ...Object.fromEntries(carried.map((name) => [name, member(said, name)!])),
      n: heads[0]!.n + 1,
    },
  };
}

function sealMerge(
  { ib, data, rel8ns }: Content,
  heads: readonly Frame[],
  graftbase: readonly Address[],
  { name, version }: MergeFunction,
  first: IbGib,
): IbGib {
  const { links, members } = frameOf(heads, graftbase, first);
  return sealRecord({
    ib,
    data: { ...data, ...members, merge: { function: name, version } },
    rel8ns: { ...rel8ns, ...links },
  });
}

/** What is shown where all together would be too large for a record: the first head, and who else said something. */
function firstOf(heads: readonly Frame[]): Content {
  const content = contentOf(heads[0]!.record);
  const values = heads.map(({ address }) => ({ heads: [address], state: "omitted" as const }));
  const conflicts = [jsonOf({ path: [], chosen: "whole", values })];
  return { ...content, data: { ...content.data, conflicts } };
}
