import * as z from "zod";
import {
  type Address,
  conflictsOf,
  headsOf,
  type IbGib,
  isAddress,
  isMerge,
  isTjp,
  KeysagaError,
  type Relation,
  resolveConflicts,
  type Space,
  tjpOf,
} from "../../index.js";
import { chunksBelow, digestIn, digestOfRoot } from "./chunk-tree.js";
import { type Content, type Digest, digestOf, type Said } from "./content.js";
import { fileIb } from "./kinds.js";
import { folderLimits } from "./limits.js";
import { brokenPathRule, isDirectoryPath } from "./paths.js";
import type { UnfitReason } from "./skipped.js";

/** A file as one frame of its timeline has it. */
export interface FileVersion {
  readonly file: Address;
  /** The frame. */
  readonly tip: Address;
  /** The path that the record has. */
  readonly named: string;
  readonly content: Content;
  readonly isExecutable: boolean;
  /** Does the frame tell of edits that met? */
  readonly isContested: boolean;
}

const FileData = z.object({
  path: z.string(),
  text: z.string().optional(),
  content: z.custom<Address>(isAddress).optional(),
  executable: z.unknown().optional(),
});

/** What a frame says that its file has: its text, or the root of its chunks. */
export type Saying = { readonly text: string } | { readonly content: Address };

/**
 * A removal is a frame of the file that says nothing. In a merge an edit of what it says outweighs it, which the merge's
 * conflicts tell. Where the other side has changed the path alone, the merge has that path and says nothing: the file is as
 * its newest head has it that says something, under the path of the merge; where no file may have that path, the removal stands.
 *
 * @returns `removed` for a file of which no head says anything, or says it yet; for what must not be written, why.
 */
export async function readVersion(
  space: Space,
  file: Address,
  tip: IbGib,
): Promise<FileVersion | UnfitReason | "removed"> {
  const data = dataOf(tip);
  if (!data || tip.ib !== fileIb || tjpOf(tip) !== file) return "no file";
  const saying = await sayingIn(space, tip);
  if (saying === undefined) return isTjp(tip) ? "no file" : "removed";
  const rule = brokenPathRule(data.path);
  const isOwn = sayingOf(tip) !== undefined;
  if (rule !== undefined) return isOwn ? `path (${rule})` : "removed";
  const digest = await digestOfSaying(space, file, saying);
  const isDirectory = isDirectoryPath(data.path);
  if (digest === undefined || (isDirectory && digest.bytes > 0)) return "no file";
  if (digest.bytes > folderLimits.fileBytesMax) return "beyond what a folder may hold";
  const content = storedContent(space, tip.address, digest);
  const isContested = !isOwn || conflictsOf(tip).length > 0 || (await wasRemoved(space, tip));
  const isExecutable = data.executable === true && !isDirectory;
  return { file, tip: tip.address, named: data.path, content, isExecutable, isContested };
}

/** Does a merge show what somebody has changed and somebody else removed? Also where neither met the other in one field. */
export async function wasRemoved(space: Space, tip: IbGib): Promise<boolean> {
  if (!isMerge(tip)) return false;
  return (await headsIn(space, tip)).some((head) => sayingOf(head) === undefined);
}

/** Undefined for chunks that stay away from this file, whatever else in the space has them, and for what is none. */
async function digestOfSaying(space: Space, file: Address, saying: Saying): Promise<Digest | undefined> {
  if ("text" in saying) return digestOf(saying.text);
  const isAway = (await space.references([file])).some(
    ({ target, isOpen }) => isOpen && target === saying.content,
  );
  const root = isAway ? undefined : await space.get(saying.content);
  return root && digestIn(root);
}

/** A frame that the space has had, and so has. @throws KeysagaError `store_damaged` */
export async function frameAt(space: Space, frame: Address): Promise<IbGib> {
  const record = await space.get(frame);
  if (!record) throw new KeysagaError("store_damaged", { missing: "frame", address: frame });
  return record;
}

/** What a frame of a file says, which stays in the space. @throws from `read` KeysagaError `store_damaged` */
export function storedContent(space: Space, frame: Address, digest: Digest): Content {
  return {
    ...digest,
    async read(): Promise<Said | undefined> {
      const saying = await sayingIn(space, await frameAt(space, frame));
      if (saying === undefined || "text" in saying) return saying;
      return { chunks: chunksBelow(space, saying.content), root: saying.content };
    },
  };
}

/** What a frame of a file says, or where it is a merge that says nothing, its newest head that does. */
export async function sayingIn(space: Space, frame: IbGib): Promise<Saying | undefined> {
  return sayingOf(frame) ?? (isMerge(frame) ? sayingOfHeads(space, frame) : undefined);
}

/**
 * What one frame of a file says; undefined for a removal, and for what is no file. Chunks that it does not link are not its
 * own; those that it does outweigh a text that met them.
 */
export function sayingOf(frame: IbGib): Saying | undefined {
  const { content, text } = dataOf(frame) ?? {};
  if (content !== undefined && frame.rel8ns?.[rootLink]?.includes(content)) return { content };
  return text === undefined ? undefined : { text };
}

/** What a saying is compared by; as `Digest` has it. */
export function digestFor(saying: Saying): string {
  return "text" in saying ? digestOf(saying.text).digest : digestOfRoot(saying.content);
}

/** The next frame of a file. Who changes a file has seen it: what was contested in it is settled by that. */
export function nextVersion(
  tip: IbGib,
  {
    saying,
    ...patch
  }: {
    readonly path?: string;
    /** Undefined removes it. */
    readonly saying: Saying | undefined;
    readonly executable?: boolean | undefined;
  },
  by: Address,
): IbGib {
  const said = { text: undefined, content: undefined, ...saying };
  return resolveConflicts(tip, conflictsOf(tip), { ...patch, ...said }, { by, links: linksTo(tip, saying) });
}

/** The link by which a frame has the root of what it says, and that by which it has what is to come. */
export const rootLink = "content";
export const chunkLink = "chunk";

function linksTo(tip: IbGib, saying: Saying | undefined): Relation {
  const root = saying && "content" in saying ? [saying.content] : [];
  const before = tip.rel8ns?.[rootLink] ?? [];
  const others = before.filter((address) => !root.includes(address));
  return {
    add: { [rootLink]: root },
    remove: { [rootLink]: others, [chunkLink]: tip.rel8ns?.[chunkLink] ?? [] },
  };
}

/** The frame that removes a file: it says nothing; see `readVersion`. */
export function removalOf(tip: IbGib, by: Address): IbGib {
  return nextVersion(tip, { saying: undefined }, by);
}

/** The path that one frame of a file says. */
export function pathOfFrame(frame: IbGib): string | undefined {
  return dataOf(frame)?.path;
}

/** A frame of a file with those that it goes on from, as far as they are here. */
export interface Step {
  readonly frame: IbGib;
  readonly before: readonly IbGib[];
}

/** The frames of a file, newest first as far as they are in line. Two steps of the history are in memory at a time. */
export async function* stepsBack(space: Space, tip: IbGib): AsyncGenerator<Step> {
  const seen = new Set<Address>([tip.address]);
  for (let level: readonly IbGib[] = [tip]; level.length > 0; ) {
    const links = level.map(({ rel8ns }) => [
      ...(rel8ns?.["past"] ?? []),
      ...(rel8ns?.["graftorphan"] ?? []),
    ]);
    const addresses = [...new Set(links.flat())];
    const records = await space.getMany(addresses);
    const found = new Map(addresses.map((address, at) => [address, records[at]]));
    for (const [at, frame] of level.entries())
      yield { frame, before: links[at]!.flatMap((address) => found.get(address) ?? []) };
    level = addresses.filter((address) => !seen.has(address)).flatMap((address) => found.get(address) ?? []);
    for (const address of addresses) seen.add(address);
  }
}

/**
 * The frames of a file, newest first as far as they are in line, `max` at the most.
 */
export async function historyOf(space: Space, tip: IbGib, max: number): Promise<readonly IbGib[]> {
  const frames: IbGib[] = [];
  for await (const { frame } of stepsBack(space, tip)) {
    if (frames.length >= max) break;
    frames.push(frame);
  }
  return frames;
}

function dataOf({ data }: IbGib): z.infer<typeof FileData> | undefined {
  return FileData.safeParse(data).data;
}

async function sayingOfHeads(space: Space, tip: IbGib): Promise<Saying | undefined> {
  return (await headsIn(space, tip)).map(sayingOf).find((saying) => saying !== undefined);
}

/** What a merge brings together, the newest first; none of a history that nobody can follow. */
async function headsIn(space: Space, merge: IbGib): Promise<IbGib[]> {
  try {
    return (await space.getMany(await headsOf(merge.address, space))).flatMap((head) => head ?? []);
  } catch (thrown) {
    if (thrown instanceof KeysagaError && !thrown.retryable) return [];
    throw thrown;
  }
}
