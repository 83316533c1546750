import { KeysagaError, sameBytes } from "../../base/index.js";
import { type Address, isTjp } from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import { compareTips, overlaid } from "../../merge/index.js";
import {
  alikeSets,
  type FinalTip,
  type Found,
  type LeftRoot,
  readReceiptEntries,
  type ReceiptEntry,
  type TurnDraft,
} from "../../saga/index.js";
import type { CellChange, Commit, ReferenceTo, Space } from "../../space/index.js";
import type { Merging } from "../branches/merging.js";
import { releasing } from "../home/claims.js";
import { changedOnce, comparedWith, type Filing, joinFilings, nothingFiled } from "../home/filing.js";
import type { Identity } from "../home/identity.js";
import { markEach, needsMark } from "../home/made.js";
import type { Platform } from "../home/platform.js";
import { fileSession } from "../home/retention.js";
import { type CheckedEvidence, fileOwnSession, receiptCells } from "../rights/attestations.js";
import { filedBeside } from "../rights/list-commit.js";
import { shownChanges } from "../rights/proof-parts.js";
import type { Standing } from "../rights/standing.js";
import { answeringPart } from "../session/answering.js";
import { type Conversation, type SignedTurn, totalsOf } from "../session/conversation.js";
import type { Answers } from "./answer.js";
import { type CommittedLists, commitLists } from "./commit-lists.js";
import { fileProofs } from "./file-proofs.js";
import { type CommitEffect, type JudgedMoves, judgeMoves } from "./judged-moves.js";
import type { Quotas } from "./quotas.js";
import { type Candidate, type Refused, whatIsLeft } from "./what-fits.js";

/** Sagas that commit at the same time move an identity's usage, and what is kept of keystones, under each other. */
const triesMax = 32;

/** What a receiver commits with. */
export interface Committing {
  readonly space: Space;
  /** Whose store it is. */
  readonly identity: Identity;
  readonly conversation: Conversation;
  readonly standing: Standing;
  readonly answers: Answers;
  readonly merging: Merging;
  readonly quotas: Quotas;
  readonly platform: Pick<Platform, "clock">;
  /** Was not all that came staged, for want of room? */
  readonly isCut: boolean;
  /** References whose targets have come. */
  readonly settled: readonly ReferenceTo[];
  readonly evidence: CheckedEvidence;
}

export interface Committed {
  readonly kind: "committed";
  /** What the receiver has of the tips that it did not take. */
  readonly refused: readonly FinalTip[];
  /** The roots that it left as they were, for a limit of its own. */
  readonly left: readonly LeftRoot[];
  /** Sends the receipt. */
  readonly receipt: () => Promise<void>;
}

export type CommitOutcome =
  | Committed
  /** Others came first: their tips, and what the sender lacks of them. Nothing was changed and nothing was signed. */
  | ({ readonly kind: "moved"; readonly tips: readonly FinalTip[] } & Found);

/**
 * Makes a saga's graph visible and durable, with the proofs of both sides: one transaction, one flush. The receipt is
 * signed inside, once nothing can refuse the commit any more, and may leave once this resolves. What the commit
 * relies on of lists is compared in the same transaction, so a withdrawal takes effect with the very next turn. Roots that
 * are over a quota are left, and the others taken without them. Where nothing changes, nothing is written.
 *
 * @throws KeysagaError as `judgeMoves`, and `chain_refused`, `not_closed`, `limit_exceeded`.
 */
export async function commitReceiver(committing: Committing, effect: CommitEffect): Promise<CommitOutcome> {
  const { space, identity, conversation, standing, answers, quotas, platform } = committing;
  const proofs = conversation.takeProofs();
  const lists = await commitLists(committing, effect);
  const others = { ...effect, moves: effect.moves.filter(({ address }) => !isListAddress(address)) };
  const apart = new Set<Address>();
  const overQuota = new Set<Address>();
  for (let tries = 0; tries < triesMax; tries++) {
    await (tries > 0 ? standing.load() : standing.refresh());
    const judged = withLeft(
      lists.left,
      await judgeMoves(space, others, committing.merging, {
        standing,
        evidence: committing.evidence,
        apart,
        overQuota,
        isCut: committing.isCut,
      }),
    );
    const settled = committing.settled.filter(({ target }) => !overQuota.has(target));
    const kept = await filed(committing, effect, judged);
    if (isNothing(kept, judged, settled)) {
      await space.drop(effect.stage); // what came was here already, or is left
      conversation.returnProofs(proofs);
      const receipt = conversation.sign(receiptOf(effect, judged, platform));
      return committed(judged, () => conversation.write(receipt));
    }
    const transcript = await fileSession(identity, conversation.established, conversation.transcriptBytes);
    const charge = bringsNothing(judged, settled)
      ? quotas.chargeBeyond(standing.identity)
      : quotas.charge(standing.identity);
    let signed: SignedTurn | undefined;
    const commit = () =>
      space.commit({
        ...graphOf(effect, standing, judged, settled),
        proofs: [...proofs, ...kept.proofs, ...transcript.proofs],
        cells: comparedWith(changedOnce([...kept.cells, ...transcript.cells]), judged.cells),
        attest: () => {
          const draft = receiptOf(effect, judged, platform);
          signed = conversation.sign(draft);
          return {
            proofs: conversation.takeProofs(),
            cells: countedCells(committing, effect, draft, signed),
          };
        },
        charge,
      });
    const result = await releasing(charge, commit, ({ kind }) => kind === "committed").catch(
      async (thrown: unknown) => {
        const [left, more] = isNotDescended(thrown)
          ? ([apart, await notDescended(committing, others, judged, apart)] as const)
          : ([overQuota, await overQuotaAs(charge.refused(), space, others, judged, settled)] as const);
        if (more.length === 0) throw thrown;
        for (const address of more) left.add(address);
        return undefined;
      },
    );
    if (result === undefined) continue;
    const receipt = signed;
    if (result.kind === "committed" && receipt) return committed(judged, () => conversation.write(receipt));
    if (result.kind === "notClosed") throw new KeysagaError("not_closed", { missing: result.missing.length });
    // Where a cell moved as well, that may be what lets the sender know of these tips.
    if (result.kind !== "moved" || result.cells.length > 0) continue;
    const tips = result.tips.flatMap(({ tip }) => tip ?? []);
    if (await answers.areReadable(tips.map(({ tjp }) => tjp))) {
      conversation.returnProofs(proofs);
      return {
        kind: "moved",
        tips: tips.map(({ tjp, address, n }) => ({ address: tjp, tip: address, n })),
        ...(await answers.moved(effect, tips)),
      };
    }
  }
  throw new KeysagaError("store_failed", { reason: "cells kept moving" });
}

function committed({ refused, left }: JudgedMoves, receipt: () => Promise<void>): Committed {
  return { kind: "committed", refused, left, receipt };
}

function bringsNothing({ taken, records }: JudgedMoves, settled: readonly ReferenceTo[]): boolean {
  return [taken, records, settled].every(({ length }) => length === 0);
}

/** A saga that changes nothing leaves nothing: there is nothing to be made durable before its receipt. */
function isNothing({ proofs, cells }: Filing, judged: JudgedMoves, settled: readonly ReferenceTo[]): boolean {
  const isChanged = [...cells, ...judged.cells].some(({ from, to }) => !sameBytes(from, to));
  return !isChanged && proofs.length === 0 && bringsNothing(judged, settled);
}

function receiptOf(
  { final, alike }: CommitEffect,
  { refused, left, counted }: JudgedMoves,
  { clock }: Committing["platform"],
): ReceiptDraft {
  const told = new Map(refused.map((tip) => [tip.address, tip]));
  const areLeft = new Set(left.map(({ address }) => address));
  const tips = final
    .filter(({ address }) => !areLeft.has(address))
    .map((tip) => told.get(tip.address) ?? tip);
  return { type: "receipt", time: clock.now(), entries: [...tips, ...left, ...alikeSets(alike), ...counted] };
}

interface ReceiptDraft extends TurnDraft {
  readonly time: number;
  readonly entries: readonly ReceiptEntry[];
}

/** What is kept of a receipt that lets heads count. */
function countedCells(
  { conversation, identity }: Committing,
  { saga }: CommitEffect,
  { time, entries }: ReceiptDraft,
  { attested: signature }: SignedTurn,
): readonly CellChange[] {
  const totals = totalsOf(conversation);
  const { receiverSession } = conversation.established;
  if (signature === undefined) return [];
  return receiptCells(receiverSession, identity.address, {
    saga,
    time,
    totals,
    ...readReceiptEntries(entries),
    signature,
  });
}

/** What becomes visible. */
function graphOf(
  { stage }: CommitEffect,
  { identity, sight }: Standing,
  { taken, records, made, left }: JudgedMoves,
  settled: readonly ReferenceTo[],
): Pick<Commit, "saga" | "holder" | "sight" | "puts" | "tips" | "roots" | "tipless" | "settled"> {
  return {
    saga: stage,
    holder: identity,
    sight,
    puts: made,
    tips: taken.map(({ address, from, to }) => ({ tjp: address, from, to })),
    roots: [...records, ...settled.map(({ target }) => target)],
    tipless: left.map(({ address }) => address),
    settled,
  };
}

function isNotDescended(thrown: unknown): boolean {
  return (
    thrown instanceof KeysagaError &&
    thrown.code === "chain_refused" &&
    thrown.facts["rule"] === "not_descended"
  );
}

/**
 * A sender that leaves out what counts here, since other lists have come to it, is no peer to break off with: its tips of
 * those timelines are left.
 *
 * @returns Those that were not among them before.
 */
async function notDescended(
  { space, standing, merging }: Committing,
  { stage }: CommitEffect,
  { taken, made }: JudgedMoves,
  before: ReadonlySet<Address>,
): Promise<readonly Address[]> {
  const found: Address[] = [];
  const reader = overlaid(space.view(stage, standing.sight), made);
  for (const { address, from, to } of taken) {
    if (from === undefined) continue;
    const relation = await compareTips(from, to, reader, merging.options);
    if (relation === "ahead" || relation === "diverged") found.push(address);
  }
  return found.filter((address) => !before.has(address));
}

/**
 * What of a commit has to be left so that the rest of it is within the quota; nothing where that is not what it was over.
 */
async function overQuotaAs(
  refused: Refused | undefined,
  space: Space,
  { stage, moves }: CommitEffect,
  { taken, records, carriers }: JudgedMoves,
  settled: readonly ReferenceTo[],
): Promise<readonly Address[]> {
  if (refused === undefined) return [];
  const tips = new Map(taken.map(({ address, to }) => [address, to]));
  const alone = new Set(records);
  const candidates = moves.flatMap(({ address }): Candidate[] => {
    const to = tips.get(address) ?? (alone.has(address) ? address : undefined);
    return to === undefined ? [] : [{ address, tops: [to, ...(carriers.get(address) ?? [])] }];
  });
  const targets = settled.map(({ target }) => ({ address: target, tops: [target] }));
  return whatIsLeft([...candidates, ...targets], await space.readStage(stage), refused);
}

/** Lists that were left are left like any other root. */
function withLeft(left: CommittedLists["left"], judged: JudgedMoves): JudgedMoves {
  return {
    ...judged,
    refused: [...judged.refused, ...left.flatMap(({ refused }) => refused)],
    records: [...judged.records, ...left.flatMap(({ records }) => records)],
    left: [...judged.left, ...left.flatMap((list) => list.left)],
  };
}

/** Who made the frames that are taken, what that rests on, and what the sender was shown. */
async function filed(committing: Committing, effect: CommitEffect, judged: JudgedMoves): Promise<Filing> {
  const { space, conversation, answers, identity } = committing;
  const shown = await shownChanges(space, conversation.established.lane, answers.shown);
  const isCounting = judged.counted.length > 0;
  return joinFilings([
    await fileProofs(committing, effect, judged),
    {
      proofs: [],
      cells: [
        ...shown,
        ...(await filedBeside(space, space.view(effect.stage), judged.carriers)),
        ...(await markEach(space, judged.made.filter(needsMark))),
      ],
    },
    isCounting ? await fileOwnSession(identity, answeringPart(conversation.established)) : nothingFiled,
  ]);
}

/**
 * The timelines that a commit needs its turn at: those whose tips it moves, as far as the sender may write them. Who may
 * only read one can bring what others have made, and tries until that fits; who may not even read it does not learn by
 * waiting that there are others who do.
 */
export async function contested(
  space: Space,
  { stage, moves }: CommitEffect,
  standing: Standing,
): Promise<readonly Address[]> {
  const timelines = moves.map(({ address }) => address);
  const firsts = await space.view(stage, standing.sight).getMany(timelines);
  const writable = await standing.writesAll(firsts);
  return timelines.filter((_, at) => firsts[at] && isTjp(firsts[at]) && writable[at]);
}
