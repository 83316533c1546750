import { type Address, gibOf } from "../../index.js";
import { folderLimits } from "./limits.js";
import { brokenPathRule, directoryAt, isDirectoryPath, parentsOf } from "./paths.js";

/** A file and the path that its record has. */
export interface NamedFile {
  readonly file: Address;
  readonly named: string;
}

/**
 * Where each file of a folder lies in a directory, in the order given. Two people may have made files with one path,
 * or a file where the other one's needs a directory. Of those with one path the file with the lowest address keeps
 * it; each other lies beside it, with digits of its own address in its name: `a (3F9C2A).txt`.
 *
 * Depends on the set of files alone, so that it comes out the same for everyone who has the folder. It is a way to
 * show them, and no edit: no record says it.
 *
 * @returns Undefined for a file of which others have taken even the name with the whole hash.
 */
export function placesOf(files: readonly NamedFile[]): (string | undefined)[] {
  const directories = new Set(files.flatMap(({ named }) => parentsOf(named)));
  const taken = new Set<string>();
  const places = new Map<Address, string>();
  const isFree = (path: string) => !taken.has(path) && !directories.has(path);
  const put = (file: Address, path: string) => {
    taken.add(path);
    places.set(file, path);
  };
  const inOrder = [...files].sort((a, b) => (a.file < b.file ? -1 : 1));
  for (const { file, named } of inOrder) if (isFree(named)) put(file, named);
  for (const { file, named } of inOrder.filter(({ file }) => !places.has(file))) {
    const beside = pathsBeside(named, gibOf(file)).find(isFree);
    if (beside !== undefined) put(file, beside);
  }
  return files.map(({ file }) => places.get(file));
}

/** How much of the hash a name shows: more only where less is taken. */
const digitsShown = [6, 16, 64] as const;
/** What is longer behind the last dot of a name is no ending. */
const endingBytesMax = 32;

/** Paths for a file that cannot have its own, the best first. */
function pathsBeside(path: string, gib: string): string[] {
  const slash = isDirectoryPath(path) ? "/" : "";
  const place = slash ? directoryAt(path) : path;
  const start = place.lastIndexOf("/") + 1;
  const [parent, name] = [place.slice(0, start), place.slice(start)];
  const dot = name.lastIndexOf(".");
  const hasEnding = dot > 0 && Buffer.byteLength(name.slice(dot)) <= endingBytesMax;
  const [stem, ending] = hasEnding ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  const { nameBytesMax, pathBytesMax } = folderLimits;
  const bytesMax = Math.min(nameBytesMax, pathBytesMax - Buffer.byteLength(parent));
  return digitsShown
    .map((digits) => ` (${gib.slice(0, digits)})${ending}${slash}`)
    .map((tail) => parent + cut(stem, bytesMax - Buffer.byteLength(tail)) + tail)
    .filter((beside) => brokenPathRule(beside) === undefined);
}

/** The beginning of a text that has at most so many bytes; whole characters. */
function cut(text: string, bytesMax: number): string {
  let [kept, bytes] = ["", 0];
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > bytesMax) break;
    kept += character;
  }
  return kept;
}
