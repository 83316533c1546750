import { basename } from "node:path";
import type { Address, Identity, Left, Space } from "../../index.js";
import { bringDown, type FolderReport, type LeftOut } from "./bring-down.js";
import { type FolderConflict, openConflicts } from "./conflicts.js";
import { isSame } from "./content.js";
import { isLike, mappingOf, realDirectory } from "./directory.js";
import { type Scan, scanDirectory } from "./disk.js";
import { FolderError } from "./errors.js";
import { type OnProgress, unseen } from "./folder-progress.js";
import { type Exchange, sumOf } from "./exchange.js";
import { isMapped, type MappedCell, type MappingCell } from "./mapping.js";
import { markerOf, withMarker } from "./marker.js";
import { type FolderState, readFolder } from "./model.js";
import { type LocalChange, type LocalPlan, planLocal } from "./plan.js";
import { type Found, syncAsReader } from "./reader.js";
import { newFolder, recordLocal } from "./record-local.js";
import { repairFolder } from "./repair.js";
import {
  type AskRemoval,
  checkRemoval,
  countMissing,
  demandYes,
  filesIn,
  type Terminal,
  refuseRemoval,
} from "./removal.js";
import { caughtUp, findSynced } from "./restored.js";
import { parentsOf } from "./paths.js";
import { eachOnce, type Skipped } from "./skipped.js";
import { removeLeftovers } from "./write.js";

/**
 * Brings a directory and the receiver in step. What both have edited is merged: an edit here never stands in the way
 * of one that comes down. Each step is durable before the next begins, and each finds out by itself what is left to
 * do, so that after a crash anywhere the next sync converges:
 *
 * 1. Find out which directory it is (`findSynced`), read it (`scanDirectory`) and the folder as the space has it.
 *    Where something was changed here, connect: a home that turns out to be put back from a backup first takes what was
 *    written since (`caughtUp`), durably.
 * 2. Tell local changes from what came down before and was not written (`planLocal`), and ask where much is missing. A
 *    crash up to here left nothing, nor does a no.
 * 3. Commit frames, merges with what came down before, tips and the new base in one transaction (`recordLocal`). A
 *    crash after it: the next sync finds the directory equal to its base, and goes on with the saga. The first time, the
 *    marker is written to a temporary file before, and takes its place after (`withMarker`). A crash in between: the
 *    next sync knows the path, finds its files there (`isLike`) and writes the marker.
 * 4. The saga, which merges with what the receiver has. A crash in it leaves the space either without or with all that
 *    came down; in the second case the next sync finds the space ahead of the base, as this one does in step 5. What
 *    follows from changes that met there is recorded and sent by a second one (`repairFolder`).
 * 5. Ask where much is to be removed here, then write what came down (`writeFiles`). A no leaves the directory and its
 *    base as they are, so that the next sync asks again. A crash in it leaves whole files, old or new: the next sync
 *    takes those that are new already as written, since they say what the space says, and writes the others.
 * 6. Commit the base. A crash before it is the same as one at the end of 5.
 *
 * Where a directory has moved, its new path is in the base that 3 or 6 commits; until then each sync finds out anew.
 * Who may only read, as far as this home was told, records nothing: see `syncAsReader`.
 *
 * @param ask Where more than a third of the files and more than two, or all, would be removed for everybody or here.
 * @throws FolderError (`not_taken` and `read_only` once all that came down is written), and what `exchange` throws.
 */
export async function syncFolder(
  identity: Identity,
  dir: string,
  exchange: Exchange,
  ask: AskRemoval = refuseRemoval,
  onProgress: OnProgress = unseen,
): Promise<FolderReport> {
  const terminal = { ask, onProgress };
  const place = await realDirectory(dir);
  const { cell, hasMarker } = await findSynced(identity, place, exchange);
  const scan = await scanDirectory(place, cell.mapping?.base, onProgress);
  const report = isMapped(cell)
    ? await syncAgain(identity, { cell, scan }, hasMarker, exchange, terminal)
    : await syncFirst(identity, { cell, scan }, exchange, terminal);
  const movedFrom = cell.seenAt === place ? undefined : cell.seenAt;
  return {
    ...report,
    skipped: eachOnce([...scan.skipped, ...report.skipped.map(knownIgnored(scan))]),
    outside: scan.outside,
    ignored: scan.ignored.length,
    movedFrom,
  };
}

type Synced = Omit<FolderReport, "outside" | "ignored" | "movedFrom">;

/** A file that came down where an ignored one lies was not read before: else this would be told in each sync. */
function knownIgnored({ ignored }: Scan): (skipped: Skipped) => Skipped {
  const paths = new Set(ignored);
  return (skipped) => {
    const isHere = [...parentsOf(skipped.path), skipped.path].some((path) => paths.has(path));
    return isHere && skipped.reason === "changed meanwhile"
      ? { ...skipped, reason: "an ignored file is in its place" }
      : skipped;
  };
}

/** Founds a folder. The directory is marked once that is durable. */
async function syncFirst(
  identity: Identity,
  { cell, scan }: { readonly cell: MappingCell; readonly scan: Scan },
  exchange: Exchange,
  terminal: Terminal,
): Promise<Synced> {
  const founding = newFolder(identity.address, basename(cell.place));
  const [{ address: folder }, tip] = founding;
  const now = { folder, owner: identity.address, tip, files: [], removed: [], unfit: [] };
  const plan = await planLocal(scan, [], now.files);
  const recorded = await withMarker(cell.place, markerOf(identity, cell.directory, now.folder), () =>
    recordLocal(identity, { cell, now, plan, founding }, terminal.onProgress),
  );
  const synced = await bringInStep(identity, { now, recorded, scan }, exchange, terminal);
  return withUnrecorded(synced, plan, recorded);
}

async function syncAgain(
  identity: Identity,
  { cell: found, scan }: Found,
  hasMarker: boolean,
  exchange: Exchange,
  terminal: Terminal,
): Promise<Synced> {
  const agreed = hasMarker ? terminal.ask : await markAgain(identity, { cell: found, scan }, terminal.ask);
  const report = await syncAsReader(identity, { cell: found, scan }, exchange, terminal);
  if (report) return report;
  const cell = await caughtUp(identity, { cell: found, scan }, exchange);
  const { folder, base } = cell.mapping;
  const now = await readFolder(identity.space, folder, cell.mapping);
  const plan = await planLocal(scan, base, now.files);
  await checkRemoval({ kind: "missing", gone: countMissing(plan), of: filesIn(base).length }, agreed);
  const recorded = await recordLocal(identity, { cell, now, plan }, terminal.onProgress);
  const synced = await bringInStep(identity, { now, recorded, scan }, exchange, terminal);
  return withUnrecorded(synced, plan, recorded);
}

/** What changed again before it was recorded is told, also where that goes on and on. */
function withUnrecorded(synced: Synced, plan: LocalPlan, { mapping }: MappedCell): Synced {
  const recorded = new Map(mapping.base.map(({ path, content }) => [path, content]));
  const due = [...plan.added, ...[...plan.edited, ...plan.renamed].map(({ now }) => now)];
  const left = due.filter(({ path, content }) => !isSame(recorded.get(path), content));
  const skipped = left.map(({ path }): Skipped => ({ path, reason: "changed meanwhile" }));
  return { ...synced, skipped: [...synced.skipped, ...skipped] };
}

/**
 * Marks a directory again whose marker is gone, where it is still what was synced at its path.
 *
 * @returns Who is to be asked about removals from now on: nobody, where this had to be asked already.
 * @throws FolderError `unmarked`.
 */
async function markAgain(identity: Identity, { cell, scan }: Found, ask: AskRemoval): Promise<AskRemoval> {
  const { base, folder } = cell.mapping;
  const isAsked = !isLike(cell, scan);
  const files = filesIn(base);
  const gone = files.filter(({ path }) => !scan.files.has(path)).length;
  if (isAsked) await demandYes({ kind: "unmarked", gone, of: files.length }, ask);
  await withMarker(cell.place, markerOf(identity, cell.directory, folder), async () => undefined);
  return isAsked ? async () => true : ask;
}

/** How often one sync sends what follows from changes that met; more only where others change the same meanwhile. */
const repairsMax = 3;

/** The saga, and what comes down. */
async function bringInStep(
  identity: Identity,
  {
    now: { folder },
    recorded,
    scan,
  }: { readonly now: FolderState; readonly recorded: MappedCell; readonly scan: Scan },
  exchange: Exchange,
  terminal: Terminal,
): Promise<Synced> {
  const { base, unsent } = recorded.mapping;
  const read = () => readFolder(identity.space, folder, recorded.mapping);
  // What is this home's own stays here, but for what the owner has set aside, which was taken; what the receiver gives
  // nothing of is not shared any more.
  const isOwn = (left: readonly Left[]) =>
    left.some(
      ({ reason, by }) => reason === "not_taken" || (reason !== "set_aside" && by === identity.address),
    );
  let [{ left, totals }, now] = [await exchange([folder], "both"), await read()];
  for (let round = 0; round < repairsMax && !isOwn(left); round++) {
    if (!(await repairFolder(identity, now))) break;
    const again = await exchange([folder], "both");
    [left, totals, now] = [again.left, sumOf(totals, again.totals), await read()];
  }
  await removeLeftovers(recorded.place, scan.leftovers);
  const unsentLeft = isOwn(left) ? unsent : unsent.filter(leftAlone(left, folder));
  const written = await bringDown(identity, { cell: recorded, now }, terminal, unsentLeft);
  if (isOwn(left) && unsent.length > 0) throw new FolderError("not_taken", { changes: unsent.length });
  if (isOwn(left)) throw new FolderError("not_shared");
  return { ...written, totals, left: withPaths(left, [...base, ...unsent]) };
}

/** Is a change among what the receiver has no room for? Where the folder itself is, everything is. */
function leftAlone(left: readonly Left[], folder: Address): (change: LocalChange) => boolean {
  const areLeft = new Set(
    left
      .filter(({ reason }) => reason === "over_quota" || reason === "too_long")
      .map(({ address }) => address),
  );
  return ({ file }) => areLeft.has(file) || areLeft.has(folder);
}

function withPaths(
  left: readonly Left[],
  files: readonly { readonly file: Address; readonly path: string }[],
): readonly LeftOut[] {
  const paths = new Map(files.map(({ file, path }) => [file, path]));
  return left.map((each) => {
    const path = paths.get(each.address);
    return path === undefined ? each : { ...each, path };
  });
}

/**
 * The conflicts of the folder that a directory was last synced with, as the space has it now.
 *
 * @throws FolderError `not_a_directory`, `not_synced`, and as `readFolder`.
 */
export async function conflictsIn(space: Space, dir: string): Promise<readonly FolderConflict[]> {
  const { mapping } = await mappingOf(space, dir);
  return openConflicts(space, await readFolder(space, mapping.folder, mapping));
}
