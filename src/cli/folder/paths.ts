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

/** Why paths that are right by themselves cannot be in one folder. */
export type TreeRule = "case_collision";

/**
 * The rule that `path` breaks, if any. A path is relative, its names are joined by `/`, and none is empty or begins
 * with a dot, so that it stays below the folder on every system, and out of what other programs keep there.
 */
export function brokenPathRule(path: string): PathRule | undefined {
  if (Buffer.byteLength(path) > folderLimits.pathBytesMax) return "path_too_long";
  if (path.startsWith("/")) return "absolute";
  if (/^[A-Za-z]:/.test(path)) return "drive_letter";
  if (path.includes("\\")) return "backslash";
  if (/\p{Cc}/u.test(path)) return "control_character";
  const names = path.split("/");
  if (names.length > folderLimits.depthMax) return "too_deep";
  for (const name of names) {
    if (name === "") return "empty_name";
    if (isHidden(name)) return "hidden_name";
    if (Buffer.byteLength(name) > folderLimits.nameBytesMax) return "name_too_long";
  }
  return undefined;
}

/** Some file systems drop characters that nobody sees: to them such a name may begin with a dot as well. */
function isHidden(name: string): boolean {
  return name.replace(/\p{Default_Ignorable_Code_Point}/gu, "").startsWith(".");
}

/** The directories on the way to `path`, outermost first: for `a/b/c` they are `a` and `a/b`. */
export function parentsOf(path: string): string[] {
  const names = path.split("/");
  return names.slice(1).map((_, at) => names.slice(0, at + 1).join("/"));
}

/** A path, if any, that a file system which ignores case (and how accents are composed) takes for another one. */
export function caseCollision(paths: readonly string[]): string | undefined {
  const spellings = new Map<string, string>();
  for (const path of paths.flatMap((file) => [...parentsOf(file), file])) {
    const folded = path.normalize("NFC").toLowerCase();
    const spelling = spellings.get(folded) ?? path;
    if (spelling !== path) return path;
    spellings.set(folded, path);
  }
  return undefined;
}
