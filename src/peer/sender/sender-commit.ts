import { KeysagaError } from "../../base/index.js";
import { type Address, type IbGib, isFrame, nOf } from "../../ibgib/index.js";
import { type FrameReader, headsOf, mergeTips } from "../../merge/index.js";
import type { FinalTip, HeadEntry, RootMove, SenderSagaEffect, Totals } from "../../saga/index.js";
import type { Commit, ReferenceTo, Sight, Space, TipMove } from "../../space/index.js";
import type { Merging } from "../branches/merging.js";
import { pauseAfterLoss } from "../home/backoff.js";
import { cellKinds, changeCell, readCell } from "../home/cells.js";
import { type Identity, internalsOf } from "../home/identity.js";
import { madeChanges, needsMark } from "../home/made.js";
import type { Platform } from "../home/platform.js";
import { fileSession } from "../home/retention.js";
import { type CheckedHeads, fileHeads, keepOwn } from "../rights/attestations.js";
import { changedOnce, framesOfSigner, joinFilings } from "../rights/evidence-files.js";
import { type Telling, toldChanges } from "../rights/statements.js";
import type { Conversation } from "../session/conversation.js";
import { type Arrived, receiptChanges } from "./arrivals.js";

/** What a finished saga has done. The receiver's receipt for it was verified and is stored. */
export interface SyncReport {
  readonly saga: string;
  /** The session it ran in: what its receipt is exported by. */
  readonly session: Address;
  /** The tips of the roots as the receiver has them now. */
  readonly tips: readonly FinalTip[];
  /** Those among them that the receiver did not take from this side: it may not write them there. */
  readonly refused: readonly FinalTip[];
  /** Timelines and stones that came along without being named. */
  readonly found: readonly FinalTip[];
  /** What the roots link and this space has only as references: no root that has one is complete. */
  readonly references: readonly OpenLink[];
  /** What is linked and stayed here, because no link of this identity leads to it. */
  readonly stayed: readonly Address[];
  /** Of this sync: what went up to the receiver, and what came down. */
  readonly totals: TotalsOfBoth;
  /** Of its whole session so far, with the syncs before this one: as the receipt says it. */
  readonly sessionTotals: TotalsOfBoth;
  readonly elapsedMs: number;
}

/** A link whose target has not come. */
export interface OpenLink {
  /** The timeline or stone that has the link. */
  readonly holder: Address;
  readonly target: Address;
  /** Who has put the link; undefined where that cannot be said: in a stone, or where nobody owns the timeline. */
  readonly maker: Address | undefined;
}

/** What travelled in each direction. */
export interface TotalsOfBoth {
  readonly up: Totals;
  readonly down: Totals;
}

/** What a sender's commit goes by. */
export interface Landing {
  readonly identity: Identity;
  readonly platform: Platform;
  readonly conversation: Conversation;
  readonly merging: Merging;
  /** What counts as present towards the receiver, in whose name what came is held. */
  readonly sight: Sight;
  /** What the receiver was told of grants. */
  readonly telling: Telling;
  /** What proves who has made the frames that came, as far as it was taken. */
  readonly evidence: Pick<CheckedHeads, "attestations" | "records">;
  /** Frames that the saga has made to bring branches together. */
  readonly merges: readonly IbGib[];
  /** Frames that it has made and signed. */
  readonly made: readonly IbGib[];
  /** References whose targets have come. */
  readonly settled: readonly ReferenceTo[];
  /** Of the session, as the saga began. */
  readonly before: TotalsOfBoth;
}

/** What a commit has done here; `merged` are those frames of this side's making that are tips now. */
export interface Landed {
  readonly report: Omit<SyncReport, "elapsedMs" | "references" | "stayed">;
  readonly merged: readonly IbGib[];
}

/** How often the local commit is tried anew when this space's own tips or cells moved meanwhile. */
const triesMax = 32;

type CommitEffect = Extract<SenderSagaEffect, { kind: "commitSpace" }>;

/**
 * Makes what was pulled visible and keeps the session's proofs and the receipt: one transaction, one flush. A tip of
 * ours that moved meanwhile is no failure: it is brought together with what came, and the next saga carries that.
 */
export async function commitSender(
  {
    identity,
    platform,
    conversation,
    merging,
    sight,
    telling,
    evidence,
    merges,
    made,
    settled,
    before,
  }: Landing,
  effect: CommitEffect,
): Promise<Landed> {
  const { space } = identity;
  const { saga, final, found, refused } = effect;
  const { session, receiver } = conversation.established;
  const notTaken = new Set(refused.map(({ address }) => address));
  const isTaken = ({ tjp }: HeadEntry) => !notTaken.has(tjp);
  const proofs = [...conversation.established.proofs, ...conversation.takeProofs()];
  for (let losses = 0; losses < triesMax; losses++) {
    if (losses > 0) await pauseAfterLoss(platform, losses);
    const landing = await land(space, effect, merging);
    const committing = {
      space,
      established: conversation.established,
      newest: framesOfSigner(internalsOf(identity).signer),
      proofs,
    };
    const kept = joinFilings([
      await keepOwn(committing, effect.entries, isTaken),
      await fileHeads(space, evidence),
      { proofs: [], cells: await toldChanges(space, receiver, telling) },
      { proofs: [], cells: await madeChanges(space, [...made, ...landing.puts.filter(needsMark)]) },
    ]);
    const change = await sessionChange(space, conversation, effect);
    const mark = { saga, session, time: effect.receipt.message.time };
    const arrivals = await heldHere(space, effect, arrivedBy(effect, landing.apart));
    const arrived = await receiptChanges(space, receiver, mark, arrivals);
    const result = await space.commit({
      saga,
      holder: receiver,
      sight,
      puts: landing.puts,
      tips: landing.tips,
      roots: landing.stones,
      settled,
      proofs: [...proofs, ...kept.proofs],
      cells: changedOnce([...change.cells, ...kept.cells, ...arrived]),
      dropProofGroups: change.dropProofGroups,
    });
    if (result.kind === "notClosed") throw new KeysagaError("not_closed", { missing: result.missing.length });
    if (result.kind === "committed") {
      const sessionTotals = totalsOf(conversation);
      const totals = {
        up: difference(sessionTotals.up, before.up),
        down: difference(sessionTotals.down, before.down),
      };
      const report = { saga, session, tips: final, refused, found, totals, sessionTotals };
      const tips = new Set(landing.tips.map(({ to }) => to));
      return { report, merged: [...merges, ...landing.puts].filter((frame) => tips.has(frame.address)) };
    }
  }
  throw new KeysagaError("tip_moved", { tries: triesMax });
}

/** The moves of a commit, and what they need. */
interface Moves {
  readonly tips: readonly TipMove[];
  readonly puts: readonly IbGib[];
  /** What came and has no tip to move. */
  readonly stones: readonly Address[];
  /** The heads of tips that are the receiver's and, as this side had moved on, none of this space's. */
  readonly apart: ReadonlyMap<Address, readonly Address[]>;
}

/** The moves as the tips stand now, with the merges of those that are not as they were. */
async function land(
  space: Space,
  { saga, moves }: CommitEffect,
  { functions, options }: Merging,
): Promise<Moves> {
  const reader = space.view(saga);
  const stones = await stonesAmong(reader, moves);
  const timelines = moves.filter(({ address }) => !stones.has(address));
  const now = await space.tips(timelines.map(({ address }) => address));
  const tips: TipMove[] = [];
  const puts: IbGib[] = [];
  const apart = new Map<Address, readonly Address[]>();
  for (const [at, { address, from, to }] of timelines.entries()) {
    const tip = now[at]?.address;
    if (tip === from || tip === undefined) {
      tips.push({ tjp: address, from: tip, to });
    } else if (!(await isOnChain(space, address, to))) {
      const merged = await mergeTips([tip, to], reader, functions, options);
      if ("frame" in merged) puts.push(merged.frame);
      const next = "frame" in merged ? merged.frame.address : merged.same;
      if (next !== tip) tips.push({ tjp: address, from: tip, to: next });
      if (next !== to) apart.set(to, await headsOf(to, reader, options));
    }
  }
  return { tips, puts, stones: [...stones], apart };
}

/** A stone's move goes to the stone itself, and so does that of a first frame that came alone. */
async function stonesAmong(reader: FrameReader, moves: readonly RootMove[]): Promise<ReadonlySet<Address>> {
  const alone = moves.filter(({ address, to }) => address === to).map(({ address }) => address);
  const records = await reader.getMany(alone);
  return new Set(alone.filter((_, at) => records[at] && !isFrame(records[at])));
}

/** What a receipt says of each root, in records that this space holds. */
function arrivedBy(
  { final, entries, refused, found }: CommitEffect,
  apart: Moves["apart"],
): readonly Arrived[] {
  const named = new Map(entries.flatMap((entry) => ("tip" in entry ? [[entry.address, entry.tip]] : [])));
  const notTaken = new Set(refused.map(({ address }) => address));
  return [...final, ...found].map(({ address, tip }) => ({
    root: address,
    held: apart.get(tip) ?? [tip],
    refused: notTaken.has(address) ? named.get(address) : undefined,
  }));
}

/** Of a root that a push has left ahead at the receiver, nothing new is known here: its tip there is not held. */
async function heldHere(
  space: Space,
  { saga, moves }: CommitEffect,
  arrived: readonly Arrived[],
): Promise<readonly Arrived[]> {
  const now = await space.tips(arrived.map(({ root }) => root));
  const landed = new Set([...moves.map(({ to }) => to), ...now.map((tip) => tip?.address)]);
  const others = arrived.flatMap(({ held }) => held.filter((tip) => !landed.has(tip)));
  const records = await space.view(saga).getMany(others);
  const missing = new Set(others.filter((_, at) => records[at] === undefined));
  return arrived.filter(({ held }) => !held.some((tip) => missing.has(tip)));
}

/** Has this space come past that frame already? */
async function isOnChain(space: Space, tjp: Address, frame: Address): Promise<boolean> {
  const record = await space.get(frame);
  return record !== undefined && (await space.frameAt(tjp, nOf(record) ?? -1)) === frame;
}

/** The session joins its lane's list with its first saga; each saga leaves the session's newest receipt. */
async function sessionChange(
  space: Space,
  { established }: Conversation,
  { receipt }: CommitEffect,
): Promise<Required<Pick<Commit, "cells" | "dropProofGroups">>> {
  const [lane, newest] = await Promise.all([
    readCell(space, cellKinds.laneTo, established.receiver),
    readCell(space, cellKinds.receipt, established.session),
  ]);
  const { body, message, travelled } = receipt;
  const keepReceipt = changeCell(newest, travelled ? { body, entries: message.entries } : { body });
  if (!lane.value || lane.value.sessions.includes(established.session))
    return { cells: [keepReceipt], dropProofGroups: [] };
  const filed = await fileSession(space, lane.value.sessions, established);
  const vouching = established.proofs.find(({ group }) => group === established.lane);
  const kept = Math.max(lane.value.kept, (vouching && nOf(vouching.record)) ?? -1);
  const listed = changeCell(lane, { ...lane.value, sessions: filed.sessions, kept });
  return { cells: [listed, keepReceipt, ...filed.cells], dropProofGroups: filed.dropProofGroups };
}

function difference(now: Totals, before: Totals): Totals {
  return {
    records: now.records - before.records,
    bytes: now.bytes - before.bytes,
    contexts: now.contexts - before.contexts,
  };
}

/** Of a session so far. */
export function totalsOf({ dialogue }: Pick<Conversation, "dialogue">): TotalsOfBoth {
  return { up: dialogue.voices.sender.totals, down: dialogue.voices.receiver.totals };
}
