import { groupBy, isLimit, KeysagaError } from "../../base/index.js";
import { type Address, type IbGib, isTjp, makerOf, ownerOf, previousOf, tjpOf } from "../../ibgib/index.js";
import { readListFirst, refuseList } from "../../lists/index.js";
import { type FrameReader, mergeTips, overlaid } from "../../merge/index.js";
import type { Space } from "../../space/index.js";
import { type Charging, releasing } from "../home/claims.js";
import type { ListMove } from "../home/list-rows.js";
import { changedOnce, joinFilings } from "../home/filing.js";
import { type CheckedEvidence, fileAttested } from "../rights/attestations.js";
import { inOrder, listCommit } from "../rights/list-commit.js";
import { fileParts } from "../rights/proof-parts.js";
import { addedFrames, checkTipMerge, proverOf } from "./added-frames.js";
import { type Merging, walkLimits } from "./merging.js";

/** Who brings lists, and who keeps them. */
export interface KeepingLists {
  readonly space: Space;
  /** Whose store it is. */
  readonly self: Address;
  /** Who has brought them, and is charged where what identities hold is counted. */
  readonly from: Address;
  readonly charging?: Charging;
  /** In whose name they are kept. */
  readonly holder: Address;
  /** Is nothing to be proved here at all? */
  readonly isOpen: boolean;
  readonly merging: Merging;
}

/** How often a list is kept anew because others wrote at the same time. */
const triesMax = 32;

/**
 * Keeps frames of lists that came ahead of all else, at once: what a list says counts, whatever becomes of the saga. Where
 * this side has other frames of a list, it makes the merge. A list that is not proved by its owner is passed over, and so
 * is one that is over a limit.
 *
 * @returns Whether anything is new here.
 * @throws KeysagaError `list_refused`, and what else only somebody who does not keep to the rules can cause.
 */
export async function keepLists(keeping: KeepingLists, checked: CheckedEvidence): Promise<boolean> {
  let isNew = false;
  for (const [list, shown] of groupBy(checked.listFrames, tjpOf))
    if (list !== undefined && (await keepList(keeping, list, shown, checked))) isNew = true;
  return isNew;
}

async function keepList(
  keeping: KeepingLists,
  list: Address,
  shown: readonly IbGib[],
  checked: CheckedEvidence,
): Promise<boolean> {
  const { space } = keeping;
  for (let tries = 0; tries < triesMax; tries++) {
    const held = await space.hasMany(shown.map(({ address }) => address));
    const fresh = inOrder(shown.filter((_, at) => !held[at]));
    if (fresh.length === 0) return false;
    const outcome = await passingOver(() => tryKeeping(keeping, list, fresh, checked));
    if (outcome !== "moved") return outcome === "kept";
  }
  throw new KeysagaError("store_failed", { reason: "a list kept moving" });
}

type Kept = "kept" | "moved" | "passed over";

/** An owner may have two homes that each add the last entry that fits: the second waits for a withdrawal. */
async function passingOver(keep: () => Promise<Kept>): Promise<Kept> {
  return keep().catch((thrown: unknown) => {
    if (isLimit(thrown, limitsOfLists)) return "passed over";
    throw thrown;
  });
}

/** For which a list is left as it was: of its entries, of a walk through it, and of what is kept for who brings it. */
export const limitsOfLists: readonly string[] = [
  ...["entriesInForceMax", "entriesOfOneMax", ...walkLimits],
  ...["durableBytesPerIdentityMax", "durableBytesMax"],
];

async function tryKeeping(
  { space, self, from, charging, holder, isOpen, merging }: KeepingLists,
  list: Address,
  fresh: readonly IbGib[],
  checked: CheckedEvidence,
): Promise<Kept> {
  const reader = overlaid(space, fresh);
  const [first] = await reader.getMany([list]);
  const said = first && readListFirst(first);
  if (!first || !said) return refuseList("first");
  if (said.kind === "readers" && said.owner !== from && said.owner !== self) return refuseList("readers");
  const now = (await space.tip(list))?.address;
  const shown = { first, fresh, now, checked, merging };
  const proved = isOpen ? new Set<Address>() : await provedByOwner(space, reader, shown);
  if (proved === undefined) return "passed over";
  const tips = [...(now === undefined ? [] : [now]), ...tipsAmong(fresh)];
  const merged = await mergeTips(tips, reader, merging.functions, merging.options);
  const made = "frame" in merged ? [merged.frame] : [];
  const to = "frame" in merged ? merged.frame.address : merged.same;
  const move: ListMove = { tjp: list, from: now, to };
  const moved = await listCommit({ space, self, ...merging }, overlaid(reader, made), [move]);
  const filed = joinFilings([
    await fileAttested(space, checked, proved),
    await fileParts(space, checked.parts),
  ]);
  const puts = [...fresh, ...made, ...moved.puts];
  const charge = charging?.chargeBeyond(from);
  const commit = () =>
    space.commit({
      holder,
      sight: "anyone",
      puts,
      tips: moved.tips,
      proofs: filed.proofs,
      cells: changedOnce([...moved.cells, ...filed.cells]),
      ...(charge && { charge }),
    });
  const { kind } = await (charge
    ? releasing(charge, commit, (result) => result.kind === "committed")
    : commit());
  if (kind === "notClosed") throw new KeysagaError("not_closed");
  return kind === "committed" ? "kept" : "moved";
}

/** Frames that none of the others goes on from. */
function tipsAmong(frames: readonly IbGib[]): readonly Address[] {
  const below = new Set(
    frames.flatMap((frame) => [previousOf(frame), ...(frame.rel8ns?.["graftorphan"] ?? [])]),
  );
  return frames.map(({ address }) => address).filter((address) => !below.has(address));
}

/** The frames that prove a list, where all that has to be proved is, and by its owner; else undefined. */
async function provedByOwner(
  space: Space,
  reader: FrameReader,
  { first, fresh, now, checked, merging }: ShownProofs,
): Promise<ReadonlySet<Address> | undefined> {
  const owner = ownerOf(first);
  const proved = new Set<Address>();
  const byAddress = new Map(fresh.map((frame) => [frame.address, frame]));
  for (const address of tipsAmong(fresh)) {
    const tip = byAddress.get(address)!;
    const added = await addedFrames(tip, first, now, reader, merging);
    if (!added.heads.every((head) => isTjp(head) || makerOf(head, first) === owner)) return undefined;
    for (const frame of added.toProve) {
      if (isTjp(frame)) continue; // everybody can compute it
      const prover = await proverOf(frame, first, checked.attesters, space);
      if (prover === undefined) return undefined;
      proved.add(frame.address);
    }
    await checkTipMerge(tip, reader, merging);
  }
  return proved;
}

interface ShownProofs {
  readonly first: IbGib;
  readonly fresh: readonly IbGib[];
  readonly now: Address | undefined;
  readonly checked: CheckedEvidence;
  readonly merging: Merging;
}
