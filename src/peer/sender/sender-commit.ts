import { KeysagaError, sameBytes } from "../../base/index.js";
import { type Address, gibOf, type IbGib, isTjp, nOf, toText } from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import { type FrameReader, headsOf, mergeTips } from "../../merge/index.js";
import {
  type Established,
  type FinalTip,
  type MadeFrame,
  readReceiptEntries,
  type Receipt,
  type ReceiptBundle,
  type RootMove,
  type SenderSagaEffect,
  signMade,
  type Totals,
  type TotalsOfBoth,
} from "../../saga/index.js";
import type { CellChange, ReferenceTo, Sight, Space, TipMove } from "../../space/index.js";
import type { Merging } from "../branches/merging.js";
import type { Left } from "../branches/taking.js";
import { pauseAfterLoss } from "../home/backoff.js";
import { cellKinds, changeCell, newCell, readCell } from "../home/cells.js";
import { changedOnce, comparedWith, type Filing, joinFilings, nothingFiled } from "../home/filing.js";
import { type Identity, newestFrame } from "../home/identity.js";
import { madeChanges, needsMark } from "../home/made.js";
import type { Platform } from "../home/platform.js";
import { fileSession } from "../home/retention.js";
import { type CheckedEvidence, fileAttested, keepMade, receiptCells } from "../rights/attestations.js";
import { fileParts, partsGroup, type ShownParts, shownChanges } from "../rights/proof-parts.js";
import { answeringSession } from "../session/answering.js";
import { type Conversation, totalsOf } from "../session/conversation.js";
import { filedBeside } from "../rights/list-commit.js";
import { type Arrived, receiptChanges } from "./arrivals.js";

/** What a finished saga has done. The receiver's receipt for it was verified and is stored. */
export interface SyncReport {
  readonly saga: string;
  /** The session it ran in. */
  readonly session: Address;
  /** The tips of the roots as the receiver has them now. */
  readonly tips: readonly FinalTip[];
  /**
   * Roots that were left as they were, here or there, or of which something was left out: why, and whose doing that is.
   * Everything else is done.
   */
  readonly left: readonly Left[];
  /** Timelines and stones that came along without being named. */
  readonly found: readonly FinalTip[];
  /** What the roots link and this space has only as references: no root that has one is complete. */
  readonly references: readonly OpenLink[];
  /**
   * What is linked and stayed here, or what was changed of it since it was exchanged: no link of this identity leads to it.
   */
  readonly stayed: readonly Address[];
  /** Of this sync: what went up to the receiver, and what came down. */
  readonly totals: TotalsOfBoth;
  /** Of its whole session so far, with the syncs before this one: as the receipt says it. */
  readonly sessionTotals: TotalsOfBoth;
  readonly elapsedMs: number;
  /**
   * What the receiver has signed, to be checked by anyone (`checkReceipt`). A saga that has changed something keeps it as
   * well: see `exportReceipt`.
   */
  readonly receipt: ReceiptBundle;
}

/** A link whose target has not come. */
export interface OpenLink {
  /** The timeline or stone that has the link. */
  readonly holder: Address;
  readonly target: Address;
  /** Who has put the link; undefined where that cannot be said: in a stone, or where nobody owns the timeline. */
  readonly maker: Address | undefined;
}

/** A sync that took two sagas: what the second says, with all that travelled, came along or was left. */
export function withBefore(before: SyncReport, report: SyncReport): SyncReport {
  const saidNow = new Set([...report.left, ...report.tips].map(({ address }) => address));
  const found = new Map([...before.found, ...report.found].map((tip) => [tip.address, tip]));
  const totals = {
    up: sumOf(before.totals.up, report.totals.up),
    down: sumOf(before.totals.down, report.totals.down),
  };
  return {
    ...report,
    found: [...found.values()],
    left: [...before.left.filter(({ address }) => !saidNow.has(address)), ...report.left],
    stayed: [...new Set([...before.stayed, ...report.stayed])],
    totals,
    elapsedMs: before.elapsedMs + report.elapsedMs,
  };
}

function sumOf(some: Totals, more: Totals): Totals {
  return {
    records: some.records + more.records,
    bytes: some.bytes + more.bytes,
    contexts: some.contexts + more.contexts,
  };
}

/** What a sender's commit goes by. */
export interface Landing {
  readonly identity: Identity;
  readonly platform: Platform;
  readonly conversation: Conversation;
  readonly merging: Merging;
  /** What counts as present towards the receiver, in whose name what came is held. */
  readonly sight: Sight;
  /** What the receiver was shown of proofs. */
  readonly shown: ShownParts;
  /** What proves who has made the frames that came, and those that were taken. */
  readonly evidence: CheckedEvidence;
  readonly proved: ReadonlySet<Address>;
  /** Frames that the saga has made to bring branches together. */
  readonly merges: readonly IbGib[];
  /** Frames that it has made and signed. */
  readonly made: readonly IbGib[];
  /** References whose targets have come. */
  readonly settled: readonly ReferenceTo[];
  /** Of the session, as the saga began. */
  readonly before: TotalsOfBoth;
  /** What was left so far. */
  readonly left: readonly Left[];
  /** Heads that came and do not count, by timeline: they are kept, and can be adopted. */
  readonly apart: ReadonlyMap<Address, readonly Address[]>;
  /** First frames that came, of timelines of which nothing counts: they are kept, so that links to them hold. */
  readonly tipless: ReadonlySet<Address>;
  /** What of lists each root was judged by. */
  readonly relied: ReadonlyMap<Address, readonly CellChange[]>;
}

/** What a commit has done here; `merged` are those frames of this side's making that are tips now. */
export interface Landed {
  readonly report: Omit<SyncReport, "elapsedMs" | "references" | "stayed">;
  readonly merged: readonly IbGib[];
  /** Were lists changed here meanwhile? Roots that they rule were left as they were. */
  readonly isStale: boolean;
}

/** How often the local commit is tried anew when this space's own tips or cells moved meanwhile. */
const triesMax = 32;

type CommitEffect = Extract<SenderSagaEffect, { kind: "commitSpace" }>;

/**
 * Makes what was pulled visible and keeps who made what and the receipt: one transaction, one flush. A tip of ours that
 * moved meanwhile is no failure: it is brought together with what came, and the next saga carries that. A saga that changes
 * nothing leaves nothing: its receipt is in the report alone.
 */
export async function commitSender(landing: Landing, effect: CommitEffect): Promise<Landed> {
  const { identity, platform, conversation, merging, sight, merges, settled, apart, tipless } = landing;
  const { space } = identity;
  const { saga } = effect;
  const { session, receiver } = conversation.established;
  const receipt = receiptOf(conversation, effect);
  const proofs = conversation.takeProofs();
  for (let losses = 0; losses < triesMax; losses++) {
    if (losses > 0) await pauseAfterLoss(platform, losses);
    const { current, relied } = await notStale(space, effect, landing.relied);
    const isStale = current.moves.length < effect.moves.length;
    const moved = await land(space, current, merging);
    const kept = await filed(landing, effect, moved);
    const mark = { saga, session, time: receipt.time };
    const arrivals = await heldHere(space, effect, arrivedBy(effect, moved.apart));
    const arrived = await receiptChanges(space, receiver, mark, arrivals);
    const isNothing =
      [moved.puts, moved.tips, moved.stones, settled, kept.proofs, kept.cells, arrived].flat().length === 0;
    if (isNothing) {
      await space.drop(saga); // another call may have committed all that came
      conversation.returnProofs(proofs);
      return { report: await reportOf(landing, effect, receipt), merged: [], isStale };
    }
    const change = await sessionChange(identity, conversation, receipt);
    const counted = receiptCells(conversation.established.receiverSession, receiver, receipt);
    const result = await space.commit({
      saga,
      holder: receiver,
      sight,
      puts: moved.puts,
      tips: moved.tips,
      roots: [...moved.stones, ...tipless, ...[...apart.values()].flat()],
      settled,
      proofs: [...proofs, ...kept.proofs, ...change.proofs],
      cells: comparedWith(
        changedOnce([...change.cells, ...kept.cells, ...arrived, ...counted]),
        changedOnce(relied),
      ),
    });
    if (result.kind === "notClosed" && isStale) throw new KeysagaError("tip_moved", { why: "lists" });
    if (result.kind === "notClosed") throw new KeysagaError("not_closed", { missing: result.missing.length });
    if (result.kind === "committed") {
      const tips = new Set(moved.tips.map(({ to }) => to));
      const report = await reportOf(landing, effect, receipt);
      const merged = [...merges, ...moved.puts].filter((frame) => tips.has(frame.address));
      return { report, merged, isStale };
    }
  }
  throw new KeysagaError("tip_moved", { tries: triesMax });
}

/** What the lists that roots were judged by still say, and the moves of those roots: a call of this home may have come first. */
async function notStale(
  space: Space,
  effect: CommitEffect,
  judgedBy: Landing["relied"],
): Promise<{ readonly current: CommitEffect; readonly relied: readonly CellChange[] }> {
  const relied: CellChange[] = [];
  const stale = new Set<Address>();
  for (const { address } of effect.moves) {
    const cells = judgedBy.get(address) ?? [];
    const now = await Promise.all(cells.map(({ key }) => space.cell(key)));
    if (cells.every(({ from }, at) => sameBytes(from, now[at]))) relied.push(...cells);
    else stale.add(address);
  }
  return { current: { ...effect, moves: effect.moves.filter(({ address }) => !stale.has(address)) }, relied };
}

async function reportOf(
  { identity, conversation, before, left }: Landing,
  effect: CommitEffect,
  receipt: Receipt,
): Promise<Landed["report"]> {
  const { saga, final, found } = effect;
  const { established } = conversation;
  const sessionTotals = totalsOf(conversation);
  return {
    saga,
    session: established.session,
    tips: withoutLists(final),
    left: [...left, ...notTakenOf(effect, left), ...leftThere(effect, established.receiver)],
    found,
    totals: {
      up: difference(sessionTotals.up, before.up),
      down: difference(sessionTotals.down, before.down),
    },
    sessionTotals,
    receipt: await bundleOf(identity.space, established, receipt),
  };
}

/** Who made the frames that went out and came, what that rests on, and what the receiver was shown. */
async function filed(landing: Landing, effect: CommitEffect, moved: Moves): Promise<Filing> {
  const { identity, conversation, apart, shown, evidence, proved, made } = landing;
  const { space } = identity;
  const { established } = conversation;
  const notTaken = notTakenBy(effect);
  const isTaken = ({ tjp }: MadeFrame) => !notTaken.has(tjp);
  const s = conversation.dialogue.voices.sender.keystone;
  return joinFilings([
    effect.made.length === 0
      ? nothingFiled
      : await keepMade(
          { space, established, ownFrames: await newestFrame(identity) },
          signMade(s, effect.saga, effect.made, established.secretFor),
          effect.made,
          isTaken,
        ),
    await fileAttested(space, evidence, proved),
    await fileParts(space, evidence.parts),
    { proofs: [], cells: await filedBeside(space, space.view(effect.saga), apart) },
    { proofs: [], cells: await shownChanges(space, established.lane, shown) },
    { proofs: [], cells: await madeChanges(space, [...made, ...moved.puts.filter(needsMark)]) },
  ]);
}

/** The roots of which the receiver has not taken what the commit named. */
function notTakenBy({ refused, left }: CommitEffect): ReadonlySet<Address> {
  return new Set([...refused, ...left].map(({ address }) => address));
}

/** What the receiver has left for a limit of its own. */
function leftThere({ left }: CommitEffect, by: Address): readonly Left[] {
  return withoutLists(left).flatMap(({ address, left: reason }) =>
    reason === "not_taken" ? [] : [{ address, reason, by }],
  );
}

/** What the receiver did not take, where nothing else says why. */
function notTakenOf(effect: CommitEffect, left: readonly Left[]): readonly Left[] {
  const known = new Set(left.map(({ address }) => address));
  const alone = effect.left.filter((root) => root.left === "not_taken");
  return withoutLists([...effect.refused, ...alone])
    .filter(({ address }) => !known.has(address))
    .map(({ address }) => ({ address, reason: "not_taken" }));
}

/** Lists go along by themselves: a report is about what was asked for. */
function withoutLists<Root extends Pick<FinalTip, "address">>(roots: readonly Root[]): readonly Root[] {
  return roots.filter(({ address }) => !isListAddress(address));
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

/** A stone's move goes to the stone itself, as does that of a frame that a link means by itself. */
async function stonesAmong(reader: FrameReader, moves: readonly RootMove[]): Promise<ReadonlySet<Address>> {
  const alone = moves.filter(({ address, to }) => address === to).map(({ address }) => address);
  const records = await reader.getMany(alone);
  return new Set(alone.filter((_, at) => records[at] && !isTjp(records[at])));
}

/** What a receipt says of each root, in records that this space holds. */
function arrivedBy(effect: CommitEffect, apart: Moves["apart"]): readonly Arrived[] {
  const { final, named, left, found } = effect;
  const tips = new Map(named.map((tip) => [tip.address, tip.tip]));
  const notTaken = notTakenBy(effect);
  const known = new Map([...final, ...found].map(({ address, tip }) => [address, apart.get(tip) ?? [tip]]));
  return [...new Set([...known.keys(), ...left.map(({ address }) => address)])].map((root) => ({
    root,
    held: known.get(root) ?? [],
    refused: notTaken.has(root) ? tips.get(root) : undefined,
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

/** What a saga leaves that has changed something: its receipt, what that rests on, and the row of its transcript. */
async function sessionChange(
  identity: Identity,
  conversation: Conversation,
  receipt: Receipt,
): Promise<Filing> {
  const { space } = identity;
  const { established, transcriptBytes } = conversation;
  const { receiverSession, receiver, host, vouched } = established;
  const [to, hostCell, transcript] = await Promise.all([
    readCell(space, cellKinds.laneTo, receiver),
    readCell(space, cellKinds.host, gibOf(receiverSession)),
    fileSession(identity, established, transcriptBytes),
  ]);
  const { n } = vouched.voucher;
  const isNewer = to.value?.lane === established.lane && to.value.kept < n;
  const answering = { group: partsGroup(receiver), record: answeringSession(established) };
  return {
    proofs: [...(hostCell.value ? [] : [answering]), ...transcript.proofs],
    cells: [
      newCell(cellKinds.receipt, receipt.saga, { ...receipt, session: receiverSession }),
      ...(hostCell.value ? [] : [changeCell(hostCell, host)]),
      ...(isNewer && to.value ? [changeCell(to, { ...to.value, kept: n })] : []),
      ...transcript.cells,
    ],
  };
}

/** The receipt that has come, as it was signed. */
function receiptOf(conversation: Conversation, { receipt, saga }: CommitEffect): Receipt {
  const { time, attested: signature, entries } = receipt.message;
  return { saga, time, totals: totalsOf(conversation), ...readReceiptEntries(entries), signature };
}

async function bundleOf(space: Space, established: Established, receipt: Receipt): Promise<ReceiptBundle> {
  const chain = chains.get(established) ?? space.proofs(established.receiver);
  chains.set(established, chain);
  const session = toText(answeringSession(established));
  return { version: 1, ...receipt, session, host: established.host, receiver: (await chain).map(toText) };
}

/** The receiver's frames, which every receipt of a connection goes with: they are read once for all of its sagas. */
const chains = new WeakMap<Established, Promise<readonly IbGib[]>>();

function difference(now: Totals, before: Totals): Totals {
  return {
    records: now.records - before.records,
    bytes: now.bytes - before.bytes,
    contexts: now.contexts - before.contexts,
  };
}
