import type { OutsideReason } from "./own.js";
import type { PathRule } from "./paths.js";

/** Why something is left as it is, and what a person may do about it. Undefined: it is left by design, in every folder. */
const advices = {
  "symbolic link": undefined,
  "not a regular file": undefined,
  "too large": "make it shorter, or move it elsewhere",
  "long or no text, where rules should be": "save it as UTF-8 text, and shorter",
  unreadable: "you may not read it, or the disk cannot; change its permissions",
  "name is not UTF-8": "rename it",
  "changed meanwhile": "sync again",
  "vanished while it was read": "sync again",
  "holds the secret of an identity": "move it out of the folder",
  "a symbolic link is in its place": "move the link away to have the file, or its removal, synced",
  "a directory is in its place": "move the directory away, or remove the file elsewhere",
  "an ignored file is in its place": "move it away, or change the ignore file that names it",
  "a special file is in its place": "move that away",
  "its directory is no directory here": "move away the file or link that is in the directory's place",
  "read-only here": "make it writable to have the change",
  "no right to write it here": "change the permissions of it and of its directory",
  "in use by another program": "close it there",
  "this disk cannot hold its name": "give it another name where that works",
  "this disk takes its name for another file's": "give one of the two another name",
  "the disk refuses it": "look after the disk",
  "no room for it on this disk": "make room, then sync again",
  "it would make a store of keysaga of its directory": "give it another name where that works",
  "no file": "the folder's owner may leave it out with keysaga set-aside",
  "its chunks do not make it up": "the folder's owner may leave it out with keysaga set-aside",
  "no name is left for it": "give it another name where that works",
  "beyond what a folder may hold": "move files elsewhere",
} as const satisfies Record<string, string | undefined>;

export type SkipReason = keyof typeof advices | `name (${PathRule})` | `in ${OutsideReason}` | UnfitReason;

/** Why a file of the folder is not written here. */
export type UnfitReason =
  | "no file"
  | `path (${PathRule})`
  | "no name is left for it"
  | "beyond what a folder may hold";

export interface Skipped {
  /** Of what is unfit, its address. */
  readonly path: string;
  readonly reason: SkipReason;
  /** Of what is too large: its bytes, and how many there may be. */
  readonly size?: { readonly bytes: number; readonly bytesMax: number };
}

/** Undefined for what is left alone by design: nobody has to look at it. */
export function adviceOn({ reason }: Skipped): string | undefined {
  if (isListed(reason)) return advices[reason];
  if (reason.startsWith("path ")) return advices["no file"];
  return reason.startsWith("in ") ? "give it another name where that works" : "rename it";
}

function isListed(reason: SkipReason): reason is keyof typeof advices {
  return Object.hasOwn(advices, reason);
}

export function needsAttention(skipped: Skipped): boolean {
  return adviceOn(skipped) !== undefined;
}

/** The same, where a file of the folder should be: what is left by design elsewhere is in the way there. */
export function inPlace(reason: SkipReason): SkipReason {
  if (reason === "symbolic link") return "a symbolic link is in its place";
  return reason === "not a regular file" ? "a special file is in its place" : reason;
}

/** A file may be met twice, where it is read and where it is written. */
export function eachOnce(skipped: readonly Skipped[]): readonly Skipped[] {
  return [...new Map(skipped.map((each) => [`${each.reason} ${each.path}`, each])).values()];
}
