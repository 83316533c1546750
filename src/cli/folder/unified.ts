import { compareTexts, type TextHunk } from "../../index.js";

interface Shown {
  readonly path: string;
  /** Undefined for what is no text, or a long one. */
  readonly text: string | undefined;
  readonly isExecutable: boolean;
}

/** A file before and after; undefined where it is not there. */
export interface FileChange {
  readonly was: Shown | undefined;
  readonly now: Shown | undefined;
}

/** Lines around a change that are shown with it. */
const contextLines = 3;

/**
 * A change as a unified diff that `git apply` and `patch -p1` take; it ends with a line end. Of what is no text it says that it
 * differs, as git does, which neither takes.
 *
 * @param isSame Is what the file says what it said before?
 */
export function unifiedDiff({ was, now }: FileChange, isSame = false): string {
  const [from, to] = [was?.path ?? now!.path, now?.path ?? was!.path];
  const isText = [was, now].every((side) => side === undefined || side.text !== undefined);
  const [base, side] = isText ? [was?.text ?? "", now?.text ?? ""] : ["", ""];
  const hunks = compareTexts(base, side);
  const binary = `Binary files ${nameOf("a", was?.path)} and ${nameOf("b", now?.path)} differ`;
  const lines = [
    `diff --git a/${from} b/${to}`,
    ...modeLines(was, now),
    ...(from === to ? [] : [`rename from ${from}`, `rename to ${to}`]),
    ...(isText || isSame ? [] : [binary]),
    ...(hunks.length === 0 ? [] : [`--- ${nameOf("a", was?.path)}`, `+++ ${nameOf("b", now?.path)}`]),
  ];
  return [`${lines.join("\n")}\n`, ...blocksOf(hunks, base === "" ? [] : base.split(/(?<=\n)/))].join("");
}

/** As git has modes: whether a file may be run, and nothing else. */
function modeLines(was: Shown | undefined, now: Shown | undefined): string[] {
  const mode = ({ isExecutable }: Shown) => (isExecutable ? "100755" : "100644");
  if (!was) return now ? [`new file mode ${mode(now)}`] : [];
  if (!now) return [`deleted file mode ${mode(was)}`];
  return mode(was) === mode(now) ? [] : [`old mode ${mode(was)}`, `new mode ${mode(now)}`];
}

/** Behind a name with a space a tab says where it ends. */
function nameOf(side: "a" | "b", path: string | undefined): string {
  if (path === undefined) return "/dev/null";
  return `${side}/${path}${path.includes(" ") ? "\t" : ""}`;
}

/** Hunks whose context would touch stand in one block. */
function blocksOf(hunks: readonly TextHunk[], base: readonly string[]): string[] {
  const groups: TextHunk[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const hunk of hunks) {
    if (hunk.from - end <= 2 * contextLines) groups.at(-1)!.push(hunk);
    else groups.push([hunk]);
    end = endOf(hunk);
  }
  return groups.map((group) => blockOf(group, base));
}

function blockOf(hunks: readonly TextHunk[], base: readonly string[]): string {
  const [first, last] = [hunks[0]!, hunks.at(-1)!];
  const start = Math.max(0, first.from - contextLines);
  const end = Math.min(base.length, endOf(last) + contextLines);
  const lines: string[] = [];
  let at = start;
  for (const hunk of hunks) {
    for (; at < hunk.from; at++) lines.push(lineOf(" ", base[at]!));
    for (const line of hunk.removed) lines.push(lineOf("-", line));
    for (const line of hunk.added) lines.push(lineOf("+", line));
    at = endOf(hunk);
  }
  for (; at < end; at++) lines.push(lineOf(" ", base[at]!));
  const grown = hunks.reduce((sum, { removed, added }) => sum + added.length - removed.length, 0);
  const sideStart = first.sideFrom - (first.from - start);
  return `@@ -${rangeOf(start, end - start)} +${rangeOf(sideStart, end - start + grown)} @@\n${lines.join("")}`;
}

function endOf({ from, removed }: TextHunk): number {
  return from + removed.length;
}

function lineOf(mark: " " | "-" | "+", line: string): string {
  return line.endsWith("\n") ? `${mark}${line}` : `${mark}${line}\n\\ No newline at end of file\n`;
}

/** Lines count from 1; an empty range stands behind the line before it. */
function rangeOf(before: number, count: number): string {
  return `${count === 0 ? before : before + 1},${count}`;
}
