import { isLimit, KeysagaError } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import { framesBeyond, mergeTips, overlaid } from "../../merge/index.js";
import type { RootMove } from "../../saga/index.js";
import { limitsOfLists } from "../branches/keep-lists.js";
import { releasing } from "../home/claims.js";
import { changedOnce, comparedWith } from "../home/filing.js";
import { inOrder, type ListCommit, listCommit } from "../rights/list-commit.js";
import { fileProofs } from "./file-proofs.js";
import { type CommitEffect, type JudgedMoves, judgeMoves } from "./judged-moves.js";
import type { Committing } from "./receiver-commit.js";

const triesMax = 32;

type LeftList = Pick<JudgedMoves, "refused" | "records" | "left">;

/** What became of the lists of a commit. */
export interface CommittedLists {
  /** Those that the sender may not move here, as the receiver has them, and first frames of them to keep. */
  readonly left: readonly LeftList[];
}

/**
 * Keeps the lists of a commit, ahead of all else and each in a transaction of its own: what counts of the other roots
 * follows from them, and they stay whatever becomes of those. The tips of timelines in which something else counts now
 * move with them. A list that others have moved meanwhile is merged: that takes nobody's signature. A list over a limit is
 * left as it was.
 *
 * @throws KeysagaError as `judgeMoves`, and `list_refused`.
 */
export async function commitLists(committing: Committing, effect: CommitEffect): Promise<CommittedLists> {
  const left: CommittedLists["left"][number][] = [];
  for (const move of effect.moves.filter(({ address }) => isListAddress(address))) {
    const outcome = await commitList(committing, effect, move).catch((thrown: unknown): LeftList => {
      if (!isLimit(thrown, limitsOfLists)) throw thrown;
      return { refused: [], records: [], left: [{ address: move.address, left: "over_quota" }] };
    });
    if (outcome !== "kept") left.push(outcome);
  }
  return { left };
}

async function commitList(
  committing: Committing,
  effect: CommitEffect,
  move: RootMove,
): Promise<"kept" | LeftList> {
  const { space, standing, evidence, merging, isCut } = committing;
  const none = new Set<Address>();
  for (let tries = 0; tries < triesMax; tries++) {
    await (tries > 0 ? standing.load() : standing.refresh());
    const answered = { standing, evidence, apart: none, overQuota: none, isCut };
    const judged = await judgeMoves(space, { ...effect, moves: [move] }, merging, answered);
    if (judged.taken.length === 0) return judged;
    const moved = await movedBy(committing, effect, move);
    if (await tryCommit(committing, effect, judged, moved)) return "kept";
  }
  throw new KeysagaError("store_failed", { reason: "lists kept moving" });
}

/** What keeping a list takes; nothing where all of it is here. */
async function movedBy(
  { space, standing, merging, identity }: Committing,
  { stage }: CommitEffect,
  { address: tjp, to }: RootMove,
): Promise<ListCommit> {
  const from = (await space.tip(tjp))?.address;
  const view = space.view(stage, standing.sight);
  const tips = from === undefined ? [to] : [from, to];
  const merged = await mergeTips(tips, view, merging.functions, merging.options);
  const made = "frame" in merged ? [merged.frame] : [];
  const target = "frame" in merged ? merged.frame.address : merged.same;
  if (target === from) return { tips: [], puts: [], cells: [] };
  const fresh = await framesBeyond(to, from === undefined ? [] : [from], view, merging.options);
  const frames = (await view.getMany(fresh)).flatMap((frame) => frame ?? []);
  const keeping = { space, self: identity.address, ...merging };
  const moved = await listCommit(keeping, overlaid(view, made), [{ tjp, from, to: target }]);
  return { ...moved, puts: [...inOrder(frames), ...made, ...moved.puts] };
}

/** @returns Whether it is kept; if not, something had moved. */
async function tryCommit(
  committing: Committing,
  effect: CommitEffect,
  judged: JudgedMoves,
  moved: ListCommit,
): Promise<boolean> {
  if (moved.tips.length === 0) return true;
  const { space, standing, quotas } = committing;
  const kept = await fileProofs(committing, effect, judged);
  const charge = quotas.chargeBeyond(standing.identity);
  const commit = () =>
    space.commit({
      holder: standing.identity,
      sight: "anyone",
      puts: moved.puts,
      tips: moved.tips,
      proofs: kept.proofs,
      cells: comparedWith(changedOnce([...kept.cells, ...moved.cells]), judged.cells),
      charge,
    });
  const { kind } = await releasing(charge, commit, (result) => result.kind === "committed");
  if (kind === "notClosed") throw new KeysagaError("not_closed");
  return kind === "committed";
}
