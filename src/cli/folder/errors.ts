import type { PathRule } from "./paths.js";

/** Why a folder cannot be taken, or not be written: a sentence each, shown to the person who runs the command. */
const sentences = {
  not_a_folder: "the address does not name a folder",
  unknown_folder:
    "the receiver has no folder of that address that you may read; ask its owner to run keysaga share, then to sync",
  read_only:
    "you may only read this folder, so your changes stay here; undo them, or ask its owner to run keysaga share, then to sync",
  not_taken:
    "the receiver did not take your changes, so they stay here; ask the folder's owner to run keysaga share, then to sync",
  not_shared:
    "the receiver gives you nothing of this folder any more; ask its owner to run keysaga share, then to sync",
  not_a_file: "the folder relates a timeline that is not a text file",
  not_a_directory: "there is no such directory",
  not_synced: "the directory was never synced from this home, so no folder is known for it",
  no_receiver: "no receiver is remembered for the directory; name its URL: keysaga sync FOLDER URL",
  unknown_file: "the folder has no file of that path, and had none; keysaga log FOLDER lists what it had",
  unknown_revision:
    "no revision of the file begins with that; keysaga log FILE lists them, and takes at least 4 digits of one",
  ambiguous_revision: "several revisions of the file begin with that; give more digits",
  removed_then: "the file was removed in that revision; keysaga log FILE lists those before it",
  unsynced_edit:
    "the file has changes that no sync has recorded, and they would be lost; sync first, or move the file away",
  ignored_here:
    "an ignore file names the path, so no sync would record it; change the ignore file, then restore",
  not_restored: "the file could not be written",
  not_empty: "the directory to clone into exists and is not empty",
  in_home:
    "the directory is a home of keysaga or lies in one, which holds secrets and is never synced; choose another directory",
  in_synced:
    "the directory lies in one that is synced as a whole; sync that one, or choose a directory outside of it",
  copied:
    "the directory is a copy of a synced one; go on in that one, or remove .keysaga-folder from the copy to make a new folder of it",
  other_home:
    "another identity syncs the directory, or did so where it was copied from; name that one's --home, clone into a new directory, or remove .keysaga-folder to make a new folder of it",
  unknown_marker:
    "this home does not know the directory, though one of its identity has synced it; clone the folder into a new directory, and copy over what you changed. Where this home was put back from a copy that is older than its first sync, receivers that its identity has met let it in no more: put back a newer copy, or make a new home",
  marker_damaged:
    "the file that marks the directory as synced is not one that this keysaga wrote; put it back as it was, or remove it",
  unmarked:
    "this is not the directory that was synced here: .keysaga-folder is gone, and its files are gone or others; is a drive not mounted? If it is meant so, say --remove-missing",
  missing:
    "many files are gone from the directory; bring them back, or say --remove-missing to remove them for everybody",
  removed_there:
    "others have removed many files of the folder; copy those that you want to keep, then say --remove-missing to have them removed here",
  unwritable: "the directory cannot be written, so it cannot be marked as synced; change its permissions",
  no_text: "there is no text file in the directory",
  moved: "another process synced this folder at the same time; run it again",
} as const satisfies Record<string, string>;

export type FolderRule = keyof typeof sentences;

/** What the sentence is about; never more of foreign names than `printable` lets through. */
export interface FolderFacts {
  readonly path?: string;
  readonly rule?: PathRule;
  readonly timeline?: string;
  readonly max?: number;
  readonly revision?: string;
  /** Of what could not be written. */
  readonly reason?: string;
  readonly identity?: string;
  /** `3 of 5`: files that are gone, of those that were there. */
  readonly gone?: string;
  /** Files that were changed here. */
  readonly changes?: number;
}

/** The folder app's own refusals. Thrown before the file it speaks of is touched. */
export class FolderError extends Error {
  override readonly name = "FolderError";

  constructor(
    readonly rule: FolderRule,
    readonly facts: FolderFacts = {},
  ) {
    const told = Object.entries(facts).map(([name, value]) => `${name}: ${printable(String(value))}`);
    super(told.length === 0 ? sentences[rule] : `${sentences[rule]} (${told.join(", ")})`);
  }
}

const shownMax = 120;

/** Text from elsewhere as a terminal may see it: no control or formatting characters, and not endless. */
export function printable(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{FFFD}");
  return plain.length > shownMax ? `${plain.slice(0, shownMax)}…` : plain;
}
