import * as z from "zod";
import {
  type Address,
  conflictsOf,
  headsOf,
  type IbGib,
  isMerge,
  isTjp,
  KeysagaError,
  type Space,
  tjpOf,
} from "../../index.js";
import { type Content, type Digest, digestOf } from "./content.js";
import { fileIb } from "./kinds.js";
import { brokenPathRule } from "./paths.js";
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
  executable: z.unknown().optional(),
});

/**
 * A removal is a frame of the file that has no text. In a merge an edit of the text outweighs it, which the merge's
 * conflicts tell. Where the other side has changed the path alone, the merge has that path and no text: the file is as its
 * newest head with a text has it, under the path of the merge; where no file may have that path, the removal stands.
 *
 * @returns `removed` for a file of which no head has a text; for what must not be written, why.
 */
export async function readVersion(
  space: Space,
  file: Address,
  tip: IbGib,
): Promise<FileVersion | UnfitReason | "removed"> {
  const data = dataOf(tip);
  if (!data || tip.ib !== fileIb || tjpOf(tip) !== file) return "no text file";
  const text = await textIn(space, tip);
  if (text === undefined) return isTjp(tip) ? "no text file" : "removed";
  const rule = brokenPathRule(data.path);
  if (rule === undefined) {
    const content = storedContent(space, tip.address, digestOf(text));
    const isContested = data.text === undefined || conflictsOf(tip).length > 0;
    const isExecutable = data.executable === true;
    return { file, tip: tip.address, named: data.path, content, isExecutable, isContested };
  }
  return data.text === undefined ? "removed" : `path (${rule})`;
}

/** A frame that the space has had, and so has. @throws KeysagaError `store_damaged` */
export async function frameAt(space: Space, frame: Address): Promise<IbGib> {
  const record = await space.get(frame);
  if (!record) throw new KeysagaError("store_damaged", { missing: "frame", address: frame });
  return record;
}

/** What a frame of a file says, which stays in the space. */
export function storedContent(space: Space, frame: Address, digest: Digest): Content {
  return {
    ...digest,
    text: async () => {
      const record = await space.get(frame);
      return record && textIn(space, record);
    },
  };
}

async function textIn(space: Space, frame: IbGib): Promise<string | undefined> {
  return textOfFrame(frame) ?? (isMerge(frame) ? textOfHeads(space, frame) : undefined);
}

/** The text that one frame of a file says; undefined for a removal, and for what is no text file. */
export function textOfFrame(frame: IbGib): string | undefined {
  return dataOf(frame)?.text;
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

async function textOfHeads(space: Space, tip: IbGib): Promise<string | undefined> {
  try {
    const heads = await space.getMany(await headsOf(tip.address, space));
    return heads.map((head) => head && textOfFrame(head)).find((text) => text !== undefined);
  } catch (thrown) {
    if (thrown instanceof KeysagaError && !thrown.retryable) return undefined; // a history that nobody can follow
    throw thrown;
  }
}
