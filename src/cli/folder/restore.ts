import { join } from "node:path";
import type { Address, Identity } from "../../index.js";
import { isSame } from "./content.js";
import { findDirectory } from "./directory.js";
import { FolderError } from "./errors.js";
import { ignoresNew } from "./ignored.js";
import { locate } from "./locate.js";
import { filesAt, findRevision } from "./log.js";
import { brokenPathRule } from "./paths.js";
import { inPlace } from "./skipped.js";
import { lookAtFile } from "./disk-file.js";
import { readVersion } from "./version.js";
import { writeFiles } from "./write.js";

export interface Restored {
  readonly path: string;
  readonly revision: Address;
  /** False where the file said that already. */
  readonly isChanged: boolean;
}

/**
 * Writes a file of a synced directory as a revision of it has it. That is an edit like any other, or the return of a file
 * that was removed: the next sync records it. The file keeps the path that it has now.
 *
 * @param revision Its first digits, 4 at least, or its address.
 * @throws FolderError `unsynced_edit` where text would be lost that no sync has recorded; `removed_then`, `ignored_here`,
 *   `not_restored`, and as `locate`, `findDirectory`, `filesAt` and `findRevision`. Nothing is written then.
 */
export async function restoreFile(
  who: Pick<Identity, "space" | "address">,
  text: string,
  revision: string,
): Promise<Restored> {
  const { space } = who;
  const { cell, path } = await locate(space, text);
  await findDirectory(who, cell.place); // a copy, say, is refused
  const { files, isOne } = await filesAt(space, cell, path);
  if (!isOne) throw new FolderError("unknown_file", { path: text });
  // A stranger may have named a removed file as they like.
  const rule = brokenPathRule(path);
  if (rule !== undefined) throw new FolderError("not_restored", { path, rule });
  const { file, frame } = await findRevision(space, files, revision);
  const version = await readVersion(space, file.file, frame);
  if (version === "removed") throw new FolderError("removed_then", { revision });
  if (typeof version === "string") throw new FolderError("not_a_file", { revision });
  const to = version.content;
  const base = cell.mapping.base.find((each) => each.path === path);
  const found = await lookAtFile(join(cell.place, path));
  if (found.kind === "other") throw new FolderError("not_restored", { path, reason: inPlace(found.reason) });
  const from = found.kind === "file" ? found.content : undefined;
  const restored = { path, revision: frame.address };
  if (isSame(from, to)) return { ...restored, isChanged: false };
  if (from !== undefined && !isSame(from, base?.content)) throw new FolderError("unsynced_edit", { path });
  if (base === undefined && (await ignoresNew(cell.place, path)))
    throw new FolderError("ignored_here", { path });
  const isExecutable = from ? undefined : (base ?? version).isExecutable;
  const paths = new Set([...cell.mapping.base.map((each) => each.path), path]);
  const { skipped } = await writeFiles(
    cell.place,
    [{ path, from, to, isExecutable, group: path }],
    [...paths],
  );
  if (skipped[0]) throw new FolderError("not_restored", { path, reason: skipped[0].reason });
  return { ...restored, isChanged: true };
}
