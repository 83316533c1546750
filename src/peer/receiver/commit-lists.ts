import { KeysagaError } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import { framesBeyond, mergeTips, overlaid } from "../../merge/index.js";
import type { RootMove } from "../../saga/index.js";
import { releasing } from "../home/claims.js";
import { changedOnce } from "../home/filing.js";
import { inOrder, type ListCommit, listCommit } from "../rights/list-commit.js";
import { fileProofs } from "./file-proofs.js";
import {
  asToldBefore,
  type CommitEffect,
  comparedWith,
  type JudgedMoves,
  judgeMoves,
} from "./judged-moves.js";
import type { Committing } from "./receiver-commit.js";

const triesMax = 32;

/** What became of the lists of a commit. */
export interface CommittedLists {
  /** Those that the sender may not move here, as the receiver has them, and first frames of them to keep. */
  readonly left: readonly Pick<JudgedMoves, "refused" | "records">[];
}

/**
 * Keeps the lists of a commit, ahead of all else and each in a transaction of its own: what counts of the other roots
 * follows from them, and they stay whatever becomes of those. The tips of timelines in which something else counts now
 * move with them. A list that others have moved meanwhile is merged: that takes nobody's signature.
 *
 * @throws KeysagaError as `judgeMoves`, and `list_refused`.
 */
export async function commitLists(committing: Committing, effect: CommitEffect): Promise<CommittedLists> {
  const left: CommittedLists["left"][number][] = [];
  for (const move of effect.moves.filter(({ address }) => isListAddress(address))) {
    const outcome = await commitList(committing, effect, move);
    if (outcome !== "kept") left.push(outcome);
  }
  return { left };
}

type Outcome = "kept" | Pick<JudgedMoves, "refused" | "records">;

async function commitList(committing: Committing, effect: CommitEffect, move: RootMove): Promise<Outcome> {
  const { space, standing, evidence, merging } = committing;
  for (let tries = 0; tries < triesMax; tries++) {
    await (tries > 0 ? standing.load() : standing.refresh());
    const answered = { standing, evidence, apart: new Set<Address>() };
    const judged = await judgeMoves(space, { ...effect, moves: [move] }, merging, answered);
    if (judged.taken.length === 0) return judged;
    const moved = await movedBy(committing, effect, move);
    if (moved === "too many") return { refused: [asToldBefore(effect, move)], records: [] };
    if (await tryCommit(committing, effect, judged, moved)) return "kept";
  }
  throw new KeysagaError("store_failed", { reason: "lists kept moving" });
}

/** What keeping a list takes; nothing where all of it is here. A list over its limit is left as it was. */
async function movedBy(
  { space, standing, merging, identity }: Committing,
  { stage }: CommitEffect,
  { address: tjp, to }: RootMove,
): Promise<ListCommit | "too many"> {
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
  try {
    const moved = await listCommit(keeping, overlaid(view, made), [{ tjp, from, to: target }]);
    return { ...moved, puts: [...inOrder(frames), ...made, ...moved.puts] };
  } catch (thrown) {
    if (thrown instanceof KeysagaError && thrown.code === "limit_exceeded") return "too many";
    throw thrown;
  }
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
  const charge = quotas.charge(standing.identity);
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
