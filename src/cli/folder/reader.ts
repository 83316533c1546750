import { type Address, type Identity, ownerOf, whoMay } from "../../index.js";
import { bringDown, type FolderReport, type Written } from "./bring-down.js";
import type { Scan } from "./disk.js";
import { FolderError } from "./errors.js";
import { type Exchange, isCode } from "./exchange.js";
import type { MappedCell } from "./mapping.js";
import { type FileState, readFolder } from "./model.js";
import { isAlike, planLocal } from "./plan.js";
import type { Terminal } from "./removal.js";
import { removeLeftovers } from "./write.js";

/** A directory as a sync finds it. */
export interface Found {
  readonly cell: MappedCell;
  readonly scan: Scan;
}

/**
 * Brings down a folder that this home may only read. Changes that were made here are not recorded: a frame of a timeline
 * cannot be taken back, and nobody would take it. They stay in the directory as they are, until they are undone, or are
 * recorded once the folder is shared for writing.
 *
 * @returns Undefined where the home may write, or was told so just now.
 * @throws FolderError `read_only` where there are such changes, `not_shared`; and what `exchange` throws.
 */
export async function syncAsReader(
  identity: Identity,
  { cell, scan }: Found,
  exchange: Exchange,
  terminal: Terminal,
): Promise<(Written & Pick<FolderReport, "totals" | "left">) | undefined> {
  const { folder, base, unsent } = cell.mapping;
  if (!(await mayOnlyRead(identity, folder))) return undefined;
  const { totals, left } = await exchange([folder], "pull").catch((thrown) => {
    throw isCode(thrown, "unknown_root") ? new FolderError("not_shared") : thrown;
  });
  if (!(await mayOnlyRead(identity, folder))) return undefined;
  const mapping = { ...cell.mapping, base: base.map(stampedBy(scan)) };
  const now = await readFolder(identity.space, folder, mapping);
  const { added, edited, renamed, removed } = await planLocal(scan, base, now.files);
  await removeLeftovers(cell.place, scan.leftovers);
  const written = await bringDown(identity, { cell: { ...cell, mapping }, now }, terminal, unsent);
  const changes = added.length + edited.length + renamed.length + removed.length + unsent.length;
  if (changes > 0) throw new FolderError("read_only", { changes });
  return { ...written, totals, left };
}

/** What was looked at and is as it was need not be read again, though nothing is recorded. */
function stampedBy({ files }: Scan): (file: FileState) => FileState {
  return (file) => {
    const here = files.get(file.path);
    return here && isAlike(here, file) ? { ...file, stamp: here.stamp } : file;
  };
}

/** Is the folder somebody else's, who does not let this home write it, as far as the list of writers here says? */
export async function mayOnlyRead(
  identity: Pick<Identity, "space" | "address">,
  folder: Address,
): Promise<boolean> {
  const first = await identity.space.get(folder);
  const owner = first && ownerOf(first);
  if (owner === undefined || owner === identity.address) return false;
  const entries = await whoMay(identity, folder);
  return !entries.some(
    (entry) => entry.with === identity.address && entry.access === "write" && entry.state === "in_force",
  );
}
