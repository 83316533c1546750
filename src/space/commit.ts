import { sameBytes } from "../base/index.js";
import { type Address, dependenciesFirst, type IbGib, readRecord } from "../ibgib/index.js";
import {
  commitStage,
  gibsOfStage,
  homeBatch,
  putRecords,
  removePortion,
  removeStage,
  type StoredStage,
} from "./batches.js";
import { checkRecords } from "./check-records.js";
import { reachedFrom } from "./closure.js";
import { MeteredWriter, rowBytes } from "./metered-writer.js";
import { type CheckedRecord, nothingStaged, Presence, recordRow, type StagedPart } from "./presence.js";
import { dropGroup, putProof } from "./proofs.js";
import { putReference, settleReference } from "./references.js";
import { damaged } from "./rows.js";
import { sightOf } from "./sight.js";
import type { CellChange, Commit, CommitResult, Sight, StagedRecord, TipMove, TipNow } from "./space.js";
import type { Stage } from "./stage.js";
import { StageTracker } from "./stage-tracker.js";
import type { Reader, Writer } from "./store.js";
import { hasTip, tipOf } from "./timelines.js";
import { type CheckedMove, checkTipMove, putTip } from "./tip-moves.js";

/** How a commit ended, and which tips it moved. */
export interface CommitOutcome {
  readonly result: CommitResult;
  readonly moves: readonly CheckedMove[];
}

/** What a commit takes, once that is known to be closed up to its tips. */
interface Taken {
  /** The records to store, and what of the stage is in the store already. */
  readonly staged: StagedPart;
  /** Is what the stage has in the store taken as it is? Else all that is taken of it is among the records to store. */
  readonly takesStored: boolean;
  readonly tracker: StageTracker;
}

/**
 * Makes a commit inside one write: first every check, then every change. Costs by tips and by what is not in the
 * store yet; where not all that was staged is in the closure of the tips and roots, a walk over all of it.
 *
 * @throws KeysagaError `chain_refused`, `reserved_record`.
 */
export function makeCommit(
  writer: Writer,
  commit: Commit,
  stage: Stage | undefined,
  missingMax: number,
): CommitOutcome {
  const moved = whatMoved(writer, commit);
  if (moved !== undefined) return { result: moved, moves: [] };
  const notClosed = (missing: readonly Address[]): CommitOutcome => ({
    result: { kind: "notClosed", missing: missing.slice(0, missingMax) },
    moves: [],
  });
  const sight = sightOf(commit.holder, commit.sight);
  const { taken, missing } = take(writer, commit, stage, sight);
  if (taken === undefined) return notClosed(missing);
  const { moves, dangling } = checkTops(writer, commit, taken, sight);
  if (dangling.length > 0) return notClosed(dangling);
  apply(writer, commit, stage, taken, moves);
  return { result: { kind: "committed" }, moves };
}

function whatMoved(reader: Reader, { tips = [], cells = [] }: Commit): CommitResult | undefined {
  const movedTips = tips
    .map(({ tjp, from }): TipNow & Pick<TipMove, "from"> => ({ tjp, tip: tipOf(reader, tjp), from }))
    .filter(({ tip, from }) => tip?.address !== from)
    .map(({ tjp, tip }) => ({ tjp, tip }));
  const movedCells = cells
    .filter(({ key, from }) => !sameBytes(reader.get("cells", key), from))
    .map(({ key }) => key);
  if (movedTips.length === 0 && movedCells.length === 0) return undefined;
  return { kind: "moved", tips: movedTips, cells: movedCells };
}

/** What of the stage and of `puts` lies in the closure of the tips and roots. */
function take(
  reader: Reader,
  commit: Commit,
  stage: Stage | undefined,
  sight: Sight | "anyone",
): { taken?: Taken; missing: readonly Address[] } {
  const { holder, puts = [] } = commit;
  const staged = stage?.part ?? nothingStaged;
  const references = declaredBy(commit, stage);
  const { checked, missing } = checkRecords(reader, { holder, sight, staged, references }, puts);
  if (missing.length > 0) return { missing };
  const tracker = (stage?.tracker ?? StageTracker.empty()).with(checked);
  const isJudged = stage === undefined || stage.sights.areCoveredBy(sight);
  if (!isJudged || !tracker.isCoveredBy(topsOf(commit))) return takeReached(reader, commit, stage, sight);
  const all = withChecked(staged.records, checked);
  return { taken: { takesStored: true, tracker, staged: { records: all, batch: staged.batch } }, missing };
}

function declaredBy({ references }: Commit, stage: Stage | undefined): ReadonlySet<Address> {
  return new Set([...(references ?? []), ...(stage?.references ?? [])]);
}

function withChecked(
  records: ReadonlyMap<string, CheckedRecord>,
  more: readonly CheckedRecord[],
): ReadonlyMap<string, CheckedRecord> {
  if (more.length === 0) return records;
  return new Map([...records, ...more.map((each) => [each.record.gib, each] as const)]);
}

/** Walks over all that is staged, in memory, and checks what is reached once more as if it came now. */
function takeReached(
  reader: Reader,
  commit: Commit,
  stage: Stage | undefined,
  sight: Sight | "anyone",
): { taken?: Taken; missing: readonly Address[] } {
  const { holder, puts = [] } = commit;
  const all = new Map<Address, IbGib>();
  for (const record of stagedRecords(reader, stage)) all.set(record.address, record);
  for (const record of puts) all.set(record.address, record);
  // Of two calls with different sights, the later one may have brought what the earlier one built on.
  const reached = dependenciesFirst(reachedFrom(topsOf(commit), all));
  const standing = { holder, sight, staged: nothingStaged, references: declaredBy(commit, stage) };
  const { checked, missing } = checkRecords(reader, standing, reached);
  if (missing.length > 0) return { missing };
  const tracker = StageTracker.empty().with(checked);
  const staged = { records: withChecked(new Map(), checked), batch: undefined };
  return { taken: { takesStored: false, tracker, staged }, missing };
}

function* stagedRecords(reader: Reader, stage: Stage | undefined): Generator<IbGib> {
  if (stage?.stored !== undefined) {
    for (const gib of gibsOfStage(reader, stage.stored)) {
      yield readRecord((recordRow(reader, gib) ?? damaged("records")).bytes);
    }
  }
  for (const { record } of stage?.inMemory ?? []) yield record;
}

/** All that is staged, in no order. */
export function stagedSizes(reader: Reader, stage: Stage | undefined): StagedRecord[] {
  return Array.from(stagedRecords(reader, stage), (record) => ({
    record,
    bytes: rowBytes(record.gib, record.bytes),
  }));
}

/**
 * Checks tips and roots, and that every timeline that is linked to has a tip, gets one now, is denied one, or is kept
 * without: as a root.
 */
function checkTops(
  reader: Reader,
  commit: Commit,
  taken: Taken,
  sight: Sight | "anyone",
): { moves: readonly CheckedMove[]; dangling: readonly Address[] } {
  const { tips = [], roots = [], tipless = [] } = commit;
  const presence = new Presence(reader, sight, taken.staged);
  const dangling = new Set(roots.filter((root) => !taken.tracker.isHead(root) && !presence.has(root)));
  const moves: CheckedMove[] = [];
  for (const move of tips) {
    const checked = checkTipMove(move, tipOf(reader, move.tjp), reader, presence, taken.tracker);
    if (checked !== undefined) moves.push(checked);
    else if (move.to !== undefined) dangling.add(move.to);
  }
  const tipped = new Set([...moves.flatMap(({ tip }) => tip?.tjp ?? []), ...roots, ...tipless]);
  for (const timeline of taken.tracker.untipped) {
    if (tipped.has(timeline) || hasTip(reader, timeline)) continue;
    if (presence.denied(timeline) === undefined) dangling.add(timeline);
  }
  return { moves, dangling: [...dangling] };
}

function apply(
  store: Writer,
  commit: Commit,
  stage: Stage | undefined,
  { staged, takesStored, tracker }: Taken,
  moves: readonly CheckedMove[],
): void {
  const { holder, settled = [], proofs = [], dropProofGroups = [], cells = [], charge } = commit;
  const writer = charge === undefined ? store : new MeteredWriter(store);
  const look = new Presence(store).look;
  const bytes = () => tracker.bytes + (writer instanceof MeteredWriter ? writer.bytes : 0);
  if (staged.records.size > 0) putRecords(writer, [...staged.records.values()], homeBatch(writer, holder));
  if (stage?.stored !== undefined) {
    if (takesStored) commitStage(writer, stage.stored, holder);
    else dropStored(writer, stage.stored);
  }
  for (const move of moves) if (move.isMoved) putTip(writer, move);
  for (const reference of tracker.references) putReference(writer, reference);
  for (const reference of [...tracker.come, ...settled]) settleReference(writer, reference);
  for (const group of dropProofGroups) dropGroup(writer, group);
  for (const proof of proofs) putProof(writer, proof);
  for (const change of cells) putCell(writer, change);
  charge?.admit(bytes(), look);
  const attested = commit.attest?.();
  for (const proof of attested?.proofs ?? []) putProof(writer, proof);
  for (const change of attested?.cells ?? []) putCell(writer, change);
  for (const change of charge?.count(bytes(), look) ?? []) putCell(store, change);
}

function dropStored(writer: Writer, { batch, portions }: StoredStage): void {
  for (let portion = 0; portion < portions; portion++) removePortion(writer, batch, portion);
  removeStage(writer, batch);
}

function putCell(writer: Writer, { key, to }: CellChange): void {
  if (to === undefined) writer.remove("cells", key);
  else writer.put("cells", key, to);
}

/** What the closure of a commit starts from. */
function topsOf({ tips = [], roots = [] }: Commit): ReadonlySet<Address> {
  return new Set([...tips.flatMap(({ to }) => to ?? []), ...roots]);
}
