import type { Address, Share, Space } from "../../index.js";
import { isFolderAddress, parseFolderAddress } from "./command.js";
import { mappingOf } from "./directory.js";

/**
 * The folder that a person names: by its address or the 64 hex digits of it, or by a directory that was synced.
 *
 * @throws FolderError `not_a_directory`, `not_synced`.
 */
export async function folderNamed(space: Space, text: string): Promise<Address> {
  if (isFolderAddress(text)) return parseFolderAddress(text);
  return (await mappingOf(space, text)).mapping.folder;
}

/** What an entry of a folder's lists says, as a sentence about the folder. */
export function entryLine(
  { with: identity, access, expires }: Pick<Share, "with" | "access" | "expires">,
  folder: string,
): string {
  const may = access === "write" ? "read and write" : "read";
  const until = expires === undefined ? "" : ` until ${new Date(expires).toISOString()}`;
  return `${identity} may ${may} ${folder}${until}`;
}
