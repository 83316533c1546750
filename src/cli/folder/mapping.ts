import { createHash, randomBytes } from "node:crypto";
import * as z from "zod";
import { type Address, type Commit, isAddress, KeysagaError, type Space } from "../../index.js";
import { DirectoryId } from "./marker.js";
import type { FileState } from "./model.js";
import { brokenPathRule } from "./paths.js";
import type { LocalChange } from "./plan.js";
import { storedContent } from "./version.js";

type CellChange = NonNullable<Commit["cells"]>[number];

const address = z.custom<Address>(isAddress);
const path = z.string().refine((text) => brokenPathRule(text) === undefined);
const change = z.enum(["added", "edited", "renamed", "removed"]);

/** The JSON of a directory's cell. */
const Stored = z.strictObject({
  place: z.string(),
  folder: address,
  base: z.array(
    z.strictObject({
      file: address,
      tip: address,
      path,
      named: path.optional(),
      digest: z.string().regex(/^[0-9a-f]{64}$/),
      bytes: z.int().nonnegative(),
      isExecutable: z.literal(true).optional(),
      isContested: z.literal(true).optional(),
      stamp: z.string().optional(),
    }),
  ),
  unsent: z.array(z.strictObject({ path, change, was: path.optional(), file: address, frame: address })),
  receiver: z.string().optional(),
});

/** How a directory and a folder's timeline belong together, in a cell of the home's space. */
export interface Mapping {
  readonly folder: Address;
  /** Each file as it was last written to the directory, or read from it: what the next edit goes on from. */
  readonly base: readonly FileState[];
  /** What was changed here and is in no saga yet that has ended well. For reports. */
  readonly unsent: readonly LocalChange[];
  /** The URL of the receiver that it was last in step with. Where a change of the mapping names none, it stays. */
  readonly receiver?: string | undefined;
}

/**
 * The mapping of a directory as it was read, with the bytes that a compare-and-set has to find again. A mapping is kept
 * by the id that the marker has as well. A second cell tells which directory was last seen at a path: it finds the
 * mapping where the marker is gone, and lets only one of two processes found a folder in one directory.
 */
export interface MappingCell {
  readonly directory: string;
  /** The real path of the directory. */
  readonly place: string;
  readonly mapping: Mapping | undefined;
  /** Where the directory was when the mapping was last changed. */
  readonly seenAt: string | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly bytesAtPlace: Uint8Array | undefined;
  /** The mapping of a directory that is no more: it goes with the first change. */
  readonly replaced?: MappedCell;
}

const cellKey = (directory: string) => `folder/${directory}`;
/** A path may be longer than a key. */
const placeKey = (place: string) => `folder-at/${createHash("sha256").update(place).digest("hex")}`;

/**
 * @param place The real path of the directory: what it is called by does not matter.
 * @param marked The id that the directory's marker has; without one, what was last seen at the path counts.
 * @returns With a new id where nothing is known of the directory.
 * @throws KeysagaError `store_damaged`.
 */
export async function readMapping(
  space: Space,
  place: string,
  marked: string | undefined,
): Promise<MappingCell> {
  const bytesAtPlace = await space.cell(placeKey(place));
  const directory = marked ?? directoryIn(bytesAtPlace);
  const bytes = directory === undefined ? undefined : await space.cell(cellKey(directory));
  const found = bytes && parseMapping(space, bytes);
  if (directory !== undefined && (marked !== undefined || found?.seenAt === place))
    return { directory, place, mapping: found?.mapping, seenAt: found?.seenAt, bytes, bytesAtPlace };
  return unmapped(place, bytesAtPlace);
}

function unmapped(place: string, bytesAtPlace: Uint8Array | undefined): MappingCell {
  const directory = randomBytes(16).toString("hex");
  return { directory, place, mapping: undefined, seenAt: undefined, bytes: undefined, bytesAtPlace };
}

/** A new directory at the path of one that may have been mapped. */
export function mappedAnew(cell: MappingCell): MappingCell {
  const anew = unmapped(cell.place, cell.bytesAtPlace);
  return isMapped(cell) ? { ...anew, replaced: cell } : anew;
}

function directoryIn(bytes: Uint8Array | undefined): string | undefined {
  return bytes && DirectoryId.safeParse(Buffer.from(bytes).toString("utf8")).data;
}

function parseMapping(
  space: Space,
  bytes: Uint8Array,
): { readonly mapping: Mapping; readonly seenAt: string } {
  const { place, folder, base, unsent, receiver } = parseStored(bytes);
  const files = base.map(
    ({ named, digest, bytes, isExecutable = false, isContested = false, stamp, ...row }): FileState => {
      const content = storedContent(space, row.tip, { digest, bytes });
      return { ...row, named: named ?? row.path, content, isExecutable, isContested, stamp };
    },
  );
  return { mapping: { folder, base: files, unsent, receiver }, seenAt: place };
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

/** The changes from what was read to `mapping`, none where it is the same, and the cell once they are committed. */
export function changeMapping(
  cell: MappingCell,
  { folder, base, unsent, receiver = cell.mapping?.receiver }: Mapping,
): { readonly changes: readonly CellChange[]; readonly cell: MappedCell } {
  const { directory, place } = cell;
  const files = base.map(({ file, tip, path, named, content, isExecutable, isContested, stamp }) => ({
    ...{ file, tip, path, digest: content.digest, bytes: content.bytes, stamp },
    ...(named !== path && { named }),
    ...(isExecutable && { isExecutable }),
    ...(isContested && { isContested }),
  }));
  const to = Buffer.from(JSON.stringify({ place, folder, base: files, unsent, receiver }));
  const toAtPlace = Buffer.from(directory);
  const changes: CellChange[] = [
    { key: cellKey(directory), from: cell.bytes, to },
    { key: placeKey(place), from: cell.bytesAtPlace, to: toAtPlace },
  ].filter(({ from, to }) => from === undefined || !to.equals(from));
  if (cell.replaced)
    changes.push({ key: cellKey(cell.replaced.directory), from: cell.replaced.bytes, to: undefined });
  const changed = { directory, place, seenAt: place, bytes: to, bytesAtPlace: toAtPlace };
  return { changes, cell: { ...changed, mapping: { folder, base, unsent, receiver } } };
}
