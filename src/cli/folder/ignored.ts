import { join } from "node:path";
import ignore, { type Ignore } from "ignore";
import { textOf } from "./content.js";
import { lookAtFile } from "./disk-file.js";
import { parentsOf } from "./paths.js";
import { inPlace, type Skipped } from "./skipped.js";

/** Files that say what is left out of a folder, by git's rules. In one directory the later one has the last word. */
const ignoreFileNames = [".gitignore", ".keysagaignore"] as const;

/** The rules of a directory and of those above it, up to the folder. */
export type IgnoreRules = Ignore;

/**
 * The rules that hold in a directory: those of the one above, and its own behind them. What is in an ignore file that
 * cannot be read nobody knows: it is told, and until it can, nothing new below is taken.
 *
 * @param at The directory's path in the folder; empty for the folder itself.
 * @param names Of what is in the directory: a file that is not there is not looked for.
 */
export async function rulesIn(
  dir: string,
  at: string,
  names: ReadonlySet<string | undefined>,
  outer: IgnoreRules | undefined,
  skipped: Skipped[],
): Promise<IgnoreRules | undefined> {
  let rules = outer;
  for (const name of ignoreFileNames.filter((name) => names.has(name))) {
    const path = at === "" ? name : `${at}/${name}`;
    const found = await lookAtFile(join(dir, path));
    if (found.kind === "absent") continue;
    const text = found.kind === "file" ? await textOf(found.content) : undefined;
    const lines = (text === undefined ? ["**"] : linesOf(text)).flatMap((line) => lineBelow(at, line));
    if (found.kind === "other") {
      const { kind: _, ...why } = found;
      skipped.push({ path, ...why, reason: inPlace(why.reason) });
    } else if (text === undefined) skipped.push({ path, reason: "long or no text, where rules should be" });
    rules = ignore({ ignoreCase: false })
      .add(rules ?? [])
      .add(lines);
  }
  return rules;
}

/** A file is ignored by itself, or with a directory that it lies in. */
export function isIgnored(rules: IgnoreRules | undefined, path: string, isDirectory: boolean): boolean {
  return rules?.ignores(isDirectory ? `${path}/` : path) === true;
}

/** Would a new file be left out? */
export async function ignoresNew(dir: string, path: string): Promise<boolean> {
  let rules: IgnoreRules | undefined;
  for (const at of ["", ...parentsOf(path)])
    rules = await rulesIn(dir, at, new Set(ignoreFileNames), rules, []);
  return isIgnored(rules, path, false);
}

function linesOf(text: string): string[] {
  return text.replace(/^\u{FEFF}/u, "").split(/\r?\n/);
}

/**
 * A line of a directory's ignore file as one of the folder's: so the rules of all directories stand in one list, of which
 * the last that fits counts. A pattern with a slash in it, other than at its end, starts at its directory; any other one
 * fits at any depth.
 */
function lineBelow(at: string, line: string): string[] {
  if (at === "") return [line];
  const trimmed = line.replace(/(?<!\\) +$/, "");
  const [, not = "", pattern = ""] = /^(!?)(.*)$/s.exec(trimmed) ?? [];
  if (/^(#|$)/.test(trimmed) || pattern === "" || pattern === "/") return [];
  const isAnchored = pattern.slice(0, -1).includes("/");
  const below = isAnchored ? pattern.replace(/^\//, "") : `**/${pattern}`;
  return [`${not}/${at.replace(/[\\[\]*?]/g, "\\$&")}/${below}`];
}
