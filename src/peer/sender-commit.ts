import { KeysagaError } from "../base/index.js";
import type { Address } from "../ibgib/index.js";
import type { FinalTip, SenderSagaEffect, Totals } from "../saga/index.js";
import type { Commit, Space, TipMove } from "../space/index.js";
import { cellKinds, changeCell, readCell } from "./cells.js";
import type { Conversation } from "./conversation.js";
import type { Identity } from "./identity.js";
import { fileSession } from "./retention.js";

/** What a finished saga has done. The receiver's receipt for it was verified and is stored. */
export interface SyncReport {
  readonly saga: string;
  /** The session it ran in: what its receipt is exported by. */
  readonly session: Address;
  /** The tips of the roots as the receiver has them now. */
  readonly tips: readonly FinalTip[];
  /** Timelines and stones that came along without being named. */
  readonly found: readonly FinalTip[];
  /** Of this session so far: what went up to the receiver, and what came down. */
  readonly totals: { readonly up: Totals; readonly down: Totals };
  readonly elapsedMs: number;
}

/** How often the local commit is tried anew when this space's own tips or cells moved meanwhile. */
const triesMax = 8;

type CommitEffect = Extract<SenderSagaEffect, { kind: "commitSpace" }>;

/**
 * Makes what was pulled visible and keeps the session's proofs and the receipt: one transaction, one flush. A tip of
 * ours that moved meanwhile is no failure: it stays, and the next saga finds both sides changed.
 */
export async function commitSender(
  identity: Identity,
  conversation: Conversation,
  effect: CommitEffect,
): Promise<Omit<SyncReport, "elapsedMs">> {
  const { space, address } = identity;
  const { saga, final, found } = effect;
  const { session } = conversation.established;
  const proofs = [...conversation.established.proofs, ...conversation.takeProofs()];
  let moves = await movesLeft(space, effect);
  for (let tries = 0; tries < triesMax; tries++) {
    const result = await space.commit({
      saga,
      holder: address,
      sight: { holders: [address] },
      tips: moves,
      roots: effect.stones,
      proofs,
      ...(await sessionChange(space, conversation, effect)),
    });
    if (result.kind === "notClosed") throw new KeysagaError("not_closed", { missing: result.missing.length });
    if (result.kind === "committed")
      return { saga, session, tips: final, found, totals: totalsOf(conversation) };
    const moved = new Set(result.tips.map(({ tjp }) => tjp));
    moves = moves.filter(({ tjp }) => !moved.has(tjp));
  }
  throw new KeysagaError("tip_moved", { tries: triesMax });
}

/** The moves without those this space has made already; a timeline that came along may be known here. */
async function movesLeft(space: Space, { moves, stones, found }: CommitEffect): Promise<readonly TipMove[]> {
  const along = new Map(found.map((tip) => [tip.address, tip]));
  const left: TipMove[] = [];
  for (const { address, from, to } of moves) {
    if (stones.includes(address)) continue;
    const came = along.get(address);
    const now = came && (await space.tip(address));
    if (came && now && (await space.frameAt(address, came.n)) === came.tip) continue;
    left.push({ tjp: address, from: came ? now?.address : from, to });
  }
  return left;
}

/** The session joins its lane's list with its first saga; each saga leaves the session's newest receipt. */
async function sessionChange(
  space: Space,
  { established }: Conversation,
  { receipt }: CommitEffect,
): Promise<Pick<Commit, "cells" | "dropProofGroups">> {
  const [lane, newest] = await Promise.all([
    readCell(space, cellKinds.laneTo, established.receiver),
    readCell(space, cellKinds.receipt, established.session),
  ]);
  const { body, message, travelled } = receipt;
  const keepReceipt = changeCell(newest, travelled ? { body, entries: message.entries } : { body });
  if (!lane.value || lane.value.sessions.includes(established.session))
    return { cells: [keepReceipt], dropProofGroups: [] };
  const filed = await fileSession(space, lane.value.sessions, established);
  const listed = changeCell(lane, { ...lane.value, sessions: filed.sessions });
  return { cells: [listed, keepReceipt, ...filed.cells], dropProofGroups: filed.dropProofGroups };
}

function totalsOf({ dialogue }: Conversation) {
  return { up: dialogue.voices.sender.totals, down: dialogue.voices.receiver.totals };
}
