import { type Address, type IbGib, type Identity, type Space, saveRecords } from "../../index.js";
import { joinTips } from "./join-tips.js";
import { folderLimits } from "./limits.js";
import type { FileState, FolderState } from "./model.js";
import { nextVersion, orMoved, removalOf } from "./record-local.js";
import { frameAt, historyOf, textOfFrame } from "./version.js";

/**
 * Records what follows from files that met, and that no merge of one timeline can say: of two files with one path whose texts
 * have something in common, the one with the higher address goes, and the other has both texts. See `twinIn`.
 *
 * Everyone who sees the same says the same of it, so that it does no harm when several do.
 *
 * @returns Whether there was anything to record: then it has yet to be sent.
 * @throws FolderError `moved`.
 */
export async function repairFolder(identity: Identity, now: FolderState): Promise<boolean> {
  const { space, address: by } = identity;
  const twins = await twinsIn(space, now);
  const transplants = twins.flatMap(({ from, text }) => (from ? [nextVersion(from, { text }, by)] : []));
  const removals = await Promise.all(
    twins.map(async ({ twin }) => removalOf(await frameAt(space, twin.tip), by)),
  );
  const frames = [...transplants, ...removals];
  if (frames.length === 0) return false;
  const { puts, tips } = await joinTips(space, frames);
  await orMoved(saveRecords(identity, puts, { tips }));
  return true;
}

/** A file that is another one as well. */
interface Twin {
  readonly twin: FileState;
  /** The frame of the other file that `text` goes on from; undefined where that one says all of it already. */
  readonly from?: IbGib;
  readonly text: string;
}

/** One that changes the file that stays is the last of it, and `folderLimits.twinsMax` are compared: the rest comes next. */
async function twinsIn(space: Space, { files }: FolderState): Promise<readonly Twin[]> {
  const firstAt = new Map<string, FileState>();
  const pairs: (readonly [FileState, FileState])[] = [];
  for (const file of [...files].sort((a, b) => (a.file < b.file ? -1 : 1))) {
    const first = firstAt.get(file.named);
    if (first) pairs.push([first, file]);
    else firstAt.set(file.named, file);
  }
  const compared = pairs.slice(0, folderLimits.twinsMax);
  const found: Twin[] = [];
  const changed = new Set<Address>();
  for (const [first, other] of compared) {
    if (changed.has(first.file)) continue;
    const twin = await twinIn(space, first, other);
    if (twin?.from) changed.add(first.file);
    if (twin) found.push(twin);
  }
  return found;
}

/**
 * Are two files with one path one file that two people have made? They are where one of them is blank, or where one of
 * them has had a text that the other one has had as well: the same note made twice, or copied. What was written since is
 * put behind that text, and is merged there like any two edits.
 */
async function twinIn(space: Space, first: FileState, other: FileState): Promise<Twin | undefined> {
  const [before, text] = await Promise.all([first.content.text(), other.content.text()]);
  if (before === undefined || text === undefined) return undefined;
  if (isBlank(text) || text === before) return { twin: other, text };
  const [tip, otherTip] = await Promise.all([frameAt(space, first.tip), frameAt(space, other.tip)]);
  if (isBlank(before)) return { twin: other, from: tip, text };
  const [ours, theirs] = await Promise.all(
    [tip, otherTip].map((each) => historyOf(space, each, folderLimits.historyMax)),
  );
  const theirTexts = new Set(theirs!.map(textOfFrame).filter((each) => each !== undefined && !isBlank(each)));
  const from = ours!.find((frame) => theirTexts.has(textOfFrame(frame)));
  if (from === undefined) return undefined;
  return textOfFrame(from) === text ? { twin: other, text } : { twin: other, from, text };
}

function isBlank(text: string): boolean {
  return text.trim() === "";
}
