import type { Address, IbGib, Identity, Space } from "../../index.js";
import { commitFrames } from "./commit-frames.js";
import { isSame, textOf } from "./content.js";
import { folderLimits } from "./limits.js";
import type { FileState, FolderState } from "./model.js";
import {
  digestFor,
  frameAt,
  historyOf,
  nextVersion,
  removalOf,
  type Saying,
  sayingIn,
  sayingOf,
} from "./version.js";

/**
 * Records what follows from files that met, and that no merge of one timeline can say: of two files with one path that have
 * something in common, the one with the higher address goes, and the other has what both say. See `twinIn`.
 *
 * Everyone who sees the same says the same of it, so that it does no harm when several do.
 *
 * @returns Whether there was anything to record: then it has yet to be sent.
 * @throws FolderError `moved`.
 */
export async function repairFolder(identity: Identity, now: FolderState): Promise<boolean> {
  const { space, address: by } = identity;
  const twins = await twinsIn(space, now);
  const transplants = twins.flatMap(({ from, saying }) => (from ? [nextVersion(from, { saying }, by)] : []));
  const removals = await Promise.all(
    twins.map(async ({ twin }) => removalOf(await frameAt(space, twin.tip), by)),
  );
  const frames = [...transplants, ...removals];
  if (frames.length === 0) return false;
  await commitFrames(identity, { frames });
  return true;
}

/** A file that is another one as well. */
interface Twin {
  readonly twin: FileState;
  /** The frame of the other file that `saying` goes on from; undefined where that one says all of it already. */
  readonly from?: IbGib;
  readonly saying?: Saying;
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
 * them has said what the other one has said as well: the same note made twice, or copied. What was written since is
 * put behind that, and is merged there like any two edits.
 */
async function twinIn(space: Space, first: FileState, other: FileState): Promise<Twin | undefined> {
  if (isSame(first.content, other.content) || (await isBlank(other))) return { twin: other };
  const [tip, otherTip] = await Promise.all([frameAt(space, first.tip), frameAt(space, other.tip)]);
  const saying = await sayingIn(space, otherTip);
  if (saying === undefined) return undefined;
  if (await isBlank(first)) return { twin: other, from: tip, saying };
  const [ours, theirs] = await Promise.all(
    [tip, otherTip].map((each) => historyOf(space, each, folderLimits.historyMax)),
  );
  const theirSayings = new Set(theirs!.flatMap(tellingDigest));
  const from = ours!.find((frame) => tellingDigest(frame).some((digest) => theirSayings.has(digest)));
  if (from === undefined) return undefined;
  return isSame({ digest: tellingDigest(from)[0]! }, other.content)
    ? { twin: other }
    : { twin: other, from, saying };
}

async function isBlank({ content }: FileState): Promise<boolean> {
  return (await textOf(content))?.trim() === "";
}

/** Of what a frame says; none where that is nothing that tells one file from another. */
function tellingDigest(frame: IbGib): readonly string[] {
  const saying = sayingOf(frame);
  const isTelling = saying && (!("text" in saying) || saying.text.trim() !== "");
  return isTelling ? [digestFor(saying)] : [];
}
