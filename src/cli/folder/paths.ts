import { folderLimits } from "./limits.js";

/** Why a single path is neither taken from disk nor written to it. */
export type PathRule =
  | "absolute"
  | "backslash"
  | "control_character"
  | "drive_letter"
  | "empty_name"
  | "hidden_name"
  | "name_too_long"
  | "path_too_long"
  | "too_deep";

/**
 * The rule that `path` breaks, if any. A path is relative, its names are joined by `/`, and none is empty or begins
 * with a dot, so that it stays below the folder on every system, and out of what other programs keep there. One that ends
 * with a slash is that of an empty directory.
 */
export function brokenPathRule(path: string): PathRule | undefined {
  if (Buffer.byteLength(path) > folderLimits.pathBytesMax) return "path_too_long";
  if (path.startsWith("/")) return "absolute";
  if (/^[A-Za-z]:/.test(path)) return "drive_letter";
  if (path.includes("\\")) return "backslash";
  if (/\p{Cc}/u.test(path)) return "control_character";
  const names = (isDirectoryPath(path) ? directoryAt(path) : path).split("/");
  if (names.length > folderLimits.depthMax) return "too_deep";
  for (const name of names) {
    if (name === "") return "empty_name";
    if (isHidden(name)) return "hidden_name";
    if (Buffer.byteLength(name) > folderLimits.nameBytesMax) return "name_too_long";
  }
  return undefined;
}

/** A path that ends with a slash is that of a directory in which there is nothing of the folder. */
export function isDirectoryPath(path: string): boolean {
  return path.endsWith("/");
}

/** The directory that such a path names. */
export function directoryAt(path: string): string {
  return path.slice(0, -1);
}

/** Some file systems drop characters that nobody sees: to them such a name may begin with a dot as well. */
function isHidden(name: string): boolean {
  return name.replace(/\p{Default_Ignorable_Code_Point}/gu, "").startsWith(".");
}

/** The directories on the way to `path`, outermost first: for `a/b/c` they are `a` and `a/b`, as they are for `a/b/`. */
export function parentsOf(path: string): string[] {
  const names = path.split("/");
  return names.slice(1).map((_, at) => names.slice(0, at + 1).join("/"));
}

/**
 * Files that a file system which ignores case (and how accents are composed) cannot hold beside those before them, because
 * it takes their path, or that of a directory on the way, for another one.
 */
export function caseCollisions(files: readonly string[]): ReadonlySet<string> {
  const spellings = new Map<string, string>();
  const colliding = new Set<string>();
  for (const file of files) {
    const parts = [...parentsOf(file), file];
    const folded = parts.map((path) => path.normalize("NFC").toLowerCase());
    if (parts.some((path, at) => (spellings.get(folded[at]!) ?? path) !== path)) colliding.add(file);
    else for (const [at, path] of parts.entries()) spellings.set(folded[at]!, path);
  }
  return colliding;
}
