import { type Address, errorTable, type LeftReason, type PeerEvent, shortAddress } from "../../index.js";
import type { FolderReport, LeftOut } from "./bring-down.js";
import { conflictLines } from "./conflict-text.js";
import { shortened } from "./conflict-values.js";
import type { FolderConflict } from "./conflicts.js";
import type { Outside } from "./disk.js";
import { printable } from "./errors.js";
import type { Change } from "./plan.js";
import { adviceOn, type Skipped } from "./skipped.js";

/**
 * What `--json` prints. Counts; `skipped` names what was left alone, `outside` what is no part of the folder,
 * `ignored` counts what ignore files leave out, `conflicts` names what a person should look at.
 */
export interface FolderJson {
  readonly folder: Address;
  readonly files: { readonly up: number; readonly down: number; readonly unchanged: number };
  readonly skipped: readonly Skipped[];
  readonly outside: readonly Outside[];
  readonly ignored: number;
  /** What was left out of the folder's timelines, and whose doing that is. */
  readonly left: readonly LeftOut[];
  /** With values shortened; keysaga conflicts has them whole. */
  readonly conflicts: readonly FolderConflict[];
  /** Domain records, their canonical bytes, and signed turns, in both directions together. */
  readonly records: number;
  readonly bytes: number;
  readonly turns: number;
  readonly seconds: number;
}

export function jsonOf(report: FolderReport, seconds: number): FolderJson {
  const { folder, up, down, unchanged, skipped, outside, ignored, left, conflicts, totals } = report;
  return {
    folder,
    files: { up: up.length, down: down.length, unchanged },
    skipped,
    outside,
    ignored,
    left,
    conflicts: conflicts.map(shortened),
    records: totals.up.records + totals.down.records,
    bytes: totals.up.bytes + totals.down.bytes,
    turns: totals.up.contexts + totals.down.contexts,
    seconds: Math.round(seconds * 1000) / 1000,
  };
}

/** The report as people read it: the folder, a line for each file that went up or down, conflicts, and a summary. */
export function linesOf(report: FolderReport, seconds: number): string[] {
  const { files, records, bytes, turns } = jsonOf(report, seconds);
  return [
    `folder ${report.folder}`,
    ...report.up.map((change) => changeLine("↑", change)),
    ...report.down.map((change) => changeLine("↓", change)),
    ...report.conflicts.flatMap(conflictLines),
    `${files.up} up, ${files.down} down, ${files.unchanged} unchanged; ` +
      `${counted(records, "record")}, ${sizeOf(bytes)}, ${counted(turns, "turn")}, ${seconds.toFixed(2)} s`,
  ];
}

function changeLine(arrow: string, { path, change, was }: Change): string {
  const from = was === undefined ? "" : ` from ${printable(was)}`;
  const how = change === "removed" || change === "renamed" ? ` (${change}${from})` : "";
  return `${arrow} ${printable(path)}${how}`;
}

export function skippedLine(skipped: Skipped): string {
  const { path, reason, size } = skipped;
  const advice = adviceOn(skipped);
  const figures = size ? `: ${sizeOf(size.bytes)}, at most ${sizeOf(size.bytesMax)}` : "";
  return `skipped ${printable(path)}: ${reason}${figures}${advice === undefined ? "" : `; ${advice}`}`;
}

/** What a person should know of the directory itself, beside its files. */
export function directoryLines({ outside, ignored, movedFrom }: FolderReport): string[] {
  const moved = movedFrom === undefined ? [] : [`the directory was at ${movedFrom} before: it goes on here`];
  return [...moved, ...outside.map(outsideLine), ...ignoredLines(ignored)];
}

/** One line for all of it. */
export function ignoredLines(count: number): string[] {
  return count === 0 ? [] : [`left out ${counted(count, "path")} that .gitignore or .keysagaignore names`];
}

export function outsideLine({ path, reason }: Outside): string {
  return `left out ${printable(path)}: ${reason}`;
}

const reasons: Readonly<Record<LeftReason, string>> = {
  may_not_write: "by somebody who may not write it; keysaga adopt takes it over, where the folder is yours",
  set_aside: "set aside by the folder's owner",
  not_proved: "its maker does not prove it",
  out_of_place: "made for an owner who has no such place for it",
  not_taken: "the receiver did not take it",
  over_quota: "the receiver has no room for it; its operator can raise the quota",
  too_long: "its history is too long to be followed at once",
};

/** What was left of the folder, a line each: what it is, why, and who has made it. */
export function leftLines({ folder, left }: FolderReport): string[] {
  return left.map(({ address, path, reason, head, by }) => {
    const who = head === undefined || by === undefined ? "" : ` (made by ${by})`;
    const root = address === folder ? "the folder itself" : (path ?? address);
    return `left out ${head ?? printable(root)}: ${reasons[reason]}${who}`;
  });
}

export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

export function sizeOf(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** An event of the saga as one line: who says what to whom. Undefined for what an orderly end needs no line for. */
export function eventLine(event: PeerEvent): string | undefined {
  switch (event.kind) {
    case "connected":
      return `connected   ${shortAddress(event.identity)} to ${shortAddress(event.receiver)}, session ${shortAddress(event.session)}`;
    case "behind":
      return behindLine(event);
    case "turn":
      return `${wayOf(event.from)} | ${event.type.padEnd(7)} n=${event.n}  ${printable(event.note)}`.trimEnd();
    case "payload":
      return `${wayOf(event.from)} | payload ${counted(event.records, "record")}, ${sizeOf(event.bytes)}`;
    case "started":
      return `started     saga ${event.saga.slice(0, 8)}, ${event.direction}, ${counted(event.roots, "root")}`;
    case "progress":
      return `progress    ${event.records} of ${event.total}`;
    case "waiting":
      return `waiting     ${event.reason}`;
    case "staysAway":
      return `stays away  ${shortAddress(event.target)}, linked by ${shortAddress(event.holder)}`;
    case "kept":
      return `kept        ${counted(event.records, "record")}, ${sizeOf(event.bytes)}`;
    case "dropped":
      return `dropped     ${event.code}`;
    case "resumed":
      return `resumed     ${counted(event.records, "record")} of a lost connection`;
    case "merged":
      return `merged      ${shortAddress(event.timeline)} ${shortAddress(event.tip)}, ${event.heads} heads`;
    case "conflict":
      return `conflict    ${shortAddress(event.timeline)} ${counted(event.conflicts, "conflict")}`;
    case "left":
      return `left        ${shortAddress(event.timeline)} ${event.reason}`;
    case "refused":
      return `refused     ${event.timeline === undefined ? "" : `${shortAddress(event.timeline)} `}${event.code}`;
    case "durable":
      return `durable     saga ${event.saga.slice(0, 8)}, both stores flushed`;
    case "admitted":
      return `admitted    ${shortAddress(event.identity)} by an invite`;
    case "closed":
      return event.error ? `closed      ${event.error.code}` : undefined;
    case "reconnecting":
      return `waiting ${(event.delayMs / 1000).toFixed(1)} s to try again: ${errorTable[event.code].text}`;
    case "reconnected":
      return "connected again";
    case "gaveUp":
      return undefined; // the error line says it
  }
}

const toldAnyway: readonly PeerEvent["kind"][] = ["reconnecting", "reconnected", "behind"];

/** What a person is told who has asked for no more: that it takes longer, and why; and that the home is an old copy. */
export function briefLine(event: PeerEvent): string | undefined {
  return toldAnyway.includes(event.kind) ? eventLine(event) : undefined;
}

function behindLine({ frames, isLaneSpent }: Extract<PeerEvent, { kind: "behind" }>): string {
  const taken = frames > 0 ? [`takes over ${counted(frames, "frame")} of its identity`] : [];
  const lane = isLaneSpent ? ["leaves the one-time keys that were used since"] : [];
  return (
    "this home is older than what the receiver knows of it, as after a backup was put back: it " +
    `${[...taken, ...lane].join(" and ")}. If nobody put it back, somebody else has a copy of it`
  );
}

function wayOf(from: "sender" | "receiver"): string {
  return from === "sender" ? "sender -> receiver" : "receiver -> sender";
}
