import * as z from "zod";
import { type Address, type Commit, isAddress, KeysagaError, type Space } from "../../index.js";
import { FolderError } from "./errors.js";
import { type FileState, fileVersionOf } from "./model.js";
import { brokenPathRule } from "./paths.js";
import type { LocalChange } from "./plan.js";

type CellChange = NonNullable<Commit["cells"]>[number];

const address = z.custom<Address>(isAddress);
const path = z.string().refine((text) => brokenPathRule(text) === undefined);
const change = z.enum(["added", "edited", "removed"]);

/** The JSON of a folder's cell. */
const Stored = z.strictObject({
  folder: address,
  base: z.array(z.strictObject({ file: address, tip: address, path })),
  unsent: z.array(z.strictObject({ path, change, file: address, frame: address })),
});

/** How a directory and a folder's timeline belong together, in a cell of the home's space. */
export interface Mapping {
  readonly folder: Address;
  /** Each file as it was last written to the directory, or read from it: what the next edit goes on from. */
  readonly base: readonly FileState[];
  /** What was changed here and is in no saga yet that has ended well. For reports. */
  readonly unsent: readonly LocalChange[];
}

/** A mapping as it was read, with the bytes that a compare-and-set has to find again. */
export interface MappingCell {
  readonly key: string;
  readonly bytes: Uint8Array | undefined;
  readonly mapping: Mapping | undefined;
}

/** A cell's key may have 1024 bytes. */
const dirBytesMax = 1000;

/**
 * @param dir The real path of the directory: what it is called by does not matter.
 * @throws FolderError `path_too_long`; KeysagaError `store_damaged`.
 */
export async function readMapping(space: Space, dir: string): Promise<MappingCell> {
  if (Buffer.byteLength(dir) > dirBytesMax) throw new FolderError("path_too_long", { max: dirBytesMax });
  const key = `folder/${dir}`;
  const bytes = await space.cell(key);
  return { key, bytes, mapping: bytes && (await parseMapping(space, bytes)) };
}

async function parseMapping(space: Space, bytes: Uint8Array): Promise<Mapping> {
  const { folder, base, unsent } = parseStored(bytes);
  const tips = await space.getMany(base.map(({ tip }) => tip));
  const files = base.map(({ file, path }, at) => ({ ...fileVersionOf(file, tips[at]), path }));
  return { folder, base: files, unsent };
}

function parseStored(bytes: Uint8Array): z.infer<typeof Stored> {
  try {
    return Stored.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch (cause) {
    throw new KeysagaError("store_damaged", { found: "cell", kind: "folder/" }, { cause });
  }
}

/** A cell that holds a mapping. */
export interface MappedCell extends MappingCell {
  readonly mapping: Mapping;
}

export function isMapped(cell: MappingCell): cell is MappedCell {
  return cell.mapping !== undefined;
}

/** The change from what was read to `mapping`, if it is one, and the cell as it is once that is committed. */
export function changeMapping(
  { key, bytes }: MappingCell,
  mapping: Mapping,
): { readonly change: CellChange | undefined; readonly cell: MappedCell } {
  const { folder, base, unsent } = mapping;
  const files = base.map(({ file, tip, path }) => ({ file, tip: tip.address, path }));
  const stored = { folder, base: files, unsent };
  const to = Buffer.from(JSON.stringify(stored));
  const change = bytes && to.equals(bytes) ? undefined : { key, from: bytes, to };
  return { change, cell: { key, bytes: to, mapping } };
}
