import type { FolderStatus } from "./status.js";
import { printable } from "./errors.js";
import type { Change } from "./plan.js";
import { ignoredLines, outsideLine, skippedLine } from "./report.js";
import { needsAttention } from "./skipped.js";

/** What the home remembers of the directory. */
export function rememberedLines({ folder, receiver }: FolderStatus): string[] {
  return [`folder ${folder}`, `receiver ${receiver ?? "none: name its URL with the next sync"}`];
}

/** A status as people read it: a line for each change, what is left out, and a summary. */
export function statusLines(status: FolderStatus): string[] {
  const { changes, unsent, unchanged, skipped, outside, ignored, missing, mayWrite, conflicts } = status;
  const counts = [
    `${changes.length} to record`,
    ...(unsent.length > 0 ? [`${unsent.length} recorded and not sent`] : []),
    `${unchanged} unchanged`,
  ];
  return [
    ...changes.map(changeWords),
    ...unsent.map((change) => `not sent yet: ${changeWords(change)}`),
    ...outside.map(outsideLine),
    ...ignoredLines(ignored),
    ...skipped.map(skippedLine),
    ...(missing
      ? [`${missing.gone} of ${missing.of} files are gone: the sync asks, or takes --remove-missing`]
      : []),
    ...(mayWrite || changes.length === 0 ? [] : ["you may only read this folder: your changes stay here"]),
    ...(conflicts > 0 ? [`${conflicts} to look at: see keysaga conflicts`] : []),
    counts.join(", "),
  ];
}

export function changeWords({
  path,
  change,
  was,
}: Omit<Change, "change"> & { readonly change: string }): string {
  return `${change} ${printable(path)}${was === undefined ? "" : ` from ${printable(was)}`}`;
}

/** Is anything left for a person to look at, beside what the sync will do? */
export function isForAPerson({ skipped, conflicts }: FolderStatus): boolean {
  return conflicts > 0 || skipped.some(needsAttention);
}
