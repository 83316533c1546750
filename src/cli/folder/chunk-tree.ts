import * as z from "zod";
import { type Address, gibOf, type IbGib, ibOf, sealRecord, type Space } from "../../index.js";
import { chunkBytes } from "./chunker.js";
import type { Digest } from "./content.js";

/**
 * What is no short text lies in a space as a tree of stones: its chunks as raw bytes, and above them nodes that link what is
 * below in order, and say how many bytes that is. A node ends where the hash of its last part says so, so that a change of
 * some bytes changes a chunk and the nodes above it, wherever it is. The same bytes give the same tree: its root is
 * what they are compared by.
 */
const chunkIb = "bin";
const nodeIb = "chunks";

/** A node ends behind a part whose hash ends in six zero bits, one of 64, or where it is full. */
const partsMax = 256;
/** Levels of nodes: with as few parts as there can be on average, more bytes than a disk has. */
const levelsMax = 12;

const NodeData = z.object({ bytes: z.int().positive() });

/** A stone of the tree, and how many bytes of the file it stands for. */
interface Part {
  readonly address: Address;
  readonly bytes: number;
}

/** Makes the tree of chunks as they come. */
export class ChunkTree {
  readonly #levels: Part[][] = [];

  /** Takes the next chunk. @returns What is new in the tree, dependencies first. */
  add(chunk: Uint8Array): readonly IbGib[] {
    const stone = sealRecord({ ib: chunkIb, data: chunk });
    return [stone, ...this.#place({ address: stone.address, bytes: chunk.length }, 0)];
  }

  /** A node that leads to all there is so far. */
  get soFar(): IbGib {
    return nodeOf(this.#levels.toReversed().flat());
  }

  /** Ends the tree. @returns The rest of it, dependencies first, and its root; undefined where there was no chunk. */
  end(): { readonly stones: readonly IbGib[]; readonly root: Part } | undefined {
    const stones: IbGib[] = [];
    if (this.#levels.length === 0) return undefined;
    for (let level = 0; ; level++) {
      const parts = this.#levels[level] ?? [];
      const isTop = level >= this.#levels.length - 1;
      if (isTop && parts.length === 1) return { stones, root: parts[0]! };
      if (parts.length > 0) stones.push(...this.#close(level));
    }
  }

  #place(part: Part, level: number): IbGib[] {
    this.#levels[level] ??= [];
    const parts = this.#levels[level];
    parts.push(part);
    const isFull =
      parts.length === partsMax || (Number.parseInt(gibOf(part.address).slice(-2), 16) & 0x3f) === 0;
    return isFull ? this.#close(level) : [];
  }

  #close(level: number): IbGib[] {
    const node = nodeOf(this.#levels[level]!.splice(0));
    return [node, ...this.#place({ address: node.address, bytes: bytesIn(node)! }, level + 1)];
  }
}

function nodeOf(parts: readonly Part[]): IbGib {
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  return sealRecord({
    ib: nodeIb,
    data: { bytes },
    rel8ns: { part: parts.map(({ address }) => address) },
  });
}

/** What chunks are compared by; undefined where there is none. Costs reading all of them, and a hash of each. */
export async function treeDigest(chunks: AsyncIterable<Uint8Array>): Promise<Digest | undefined> {
  const tree = new ChunkTree();
  for await (const chunk of chunks) tree.add(chunk);
  const root = tree.end()?.root;
  return root && { digest: digestOfRoot(root.address), bytes: root.bytes };
}

export function digestOfRoot(root: Address): string {
  return gibOf(root).toLowerCase();
}

/** What the root of a tree says of it; undefined for what is none. Whether all below it fits that is found out by reading. */
export function digestIn(root: IbGib): Digest | undefined {
  const bytes = bytesIn(root);
  return bytes === undefined ? undefined : { digest: digestOfRoot(root.address), bytes };
}

function bytesIn(stone: IbGib): number | undefined {
  if (stone.data instanceof Uint8Array) return stone.data.length;
  return stone.ib === nodeIb ? NodeData.safeParse(stone.data).data?.bytes : undefined;
}

/** A tree that somebody has made up, or of which a part stays away: there is no file in it. */
export class BrokenTree extends Error {}

/** Chunks that are read at once. */
const readsAtOnce = 16;

/**
 * The chunks of a tree, in order. It is looked through before, each stone once, however often it is in the tree: each node has to
 * say what is below it, and each chunk but the last to be no shorter than any that is made here. So what somebody makes up
 * costs what it has brought, and what is written is a file of that size. Memory for the addresses on the way, and `readsAtOnce`
 * chunks.
 *
 * @throws BrokenTree before there is any chunk.
 */
export async function* chunksBelow(space: Space, root: Address): AsyncGenerator<Uint8Array> {
  const [top] = await readStones(space, [root]);
  await measured(space, top!, new Map(), 0);
  yield* leavesOf(space, top!);
}

/** What a stone of a tree was found to be. */
interface Measured {
  readonly bytes: number;
  /** Does it end with a chunk that only the last one may be? */
  readonly endsShort: boolean;
}

async function measured(
  space: Space,
  stone: IbGib,
  known: Map<Address, Measured>,
  level: number,
): Promise<Measured> {
  const bytes = bytesIn(stone);
  if (bytes === undefined || level > levelsMax) throw new BrokenTree();
  if (stone.data instanceof Uint8Array) return { bytes, endsShort: bytes < chunkBytes.min };
  // What stays away from this node may be here for another reason: it is none of this file.
  if ((await space.references([stone.address])).some(({ isOpen }) => isOpen)) throw new BrokenTree();
  const parts = partsOf(stone);
  await eachStone(
    space,
    [...new Set(parts)].filter((part) => !known.has(part)),
    async (part) => {
      known.set(part.address, await measured(space, part, known, level + 1));
    },
  );
  const found = parts.map((part) => known.get(part)!);
  const isWhole = found.reduce((sum, part) => sum + part.bytes, 0) === bytes;
  if (!isWhole || found.slice(0, -1).some(({ endsShort }) => endsShort)) throw new BrokenTree();
  return { bytes, endsShort: found.at(-1)?.endsShort === true };
}

async function* leavesOf(space: Space, stone: IbGib): AsyncGenerator<Uint8Array> {
  if (stone.data instanceof Uint8Array) return void (yield stone.data);
  const parts = partsOf(stone);
  for (let at = 0; at < parts.length; at += readsAtOnce)
    for (const part of await readStones(space, parts.slice(at, at + readsAtOnce)))
      yield* leavesOf(space, part);
}

async function eachStone(
  space: Space,
  addresses: readonly Address[],
  work: (stone: IbGib) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < addresses.length; at += readsAtOnce)
    for (const stone of await readStones(space, addresses.slice(at, at + readsAtOnce))) await work(stone);
}

/**
 * All stones that these lead to, as far as they are trees, are here, and nothing stays away from them. Reads the nodes; memory
 * for an address each.
 */
export async function stonesBelow(space: Space, tops: readonly Address[]): Promise<ReadonlySet<Address>> {
  const [found, met] = [new Set<Address>(), new Set(tops)];
  for (const level = [...tops]; level.length > 0; ) {
    const page = level.splice(-readsAtOnce);
    const here = await space.hasMany(page);
    const present = page.filter((_, at) => here[at]);
    const nodes = await space.getMany(present.filter((address) => ibOf(address) !== chunkIb));
    const away = await space.references(nodes.flatMap((node) => (node ? [node.address] : [])));
    const broken = new Set(away.flatMap(({ holder, isOpen }) => (isOpen ? [holder] : [])));
    for (const address of present) if (!broken.has(address)) found.add(address);
    for (const node of nodes)
      for (const part of node && !broken.has(node.address) ? partsOf(node) : [])
        if (!met.has(part)) {
          met.add(part);
          level.push(part);
        }
  }
  return found;
}

function partsOf(node: IbGib): readonly Address[] {
  return node.rel8ns?.["part"] ?? [];
}

async function readStones(space: Space, addresses: readonly Address[]): Promise<IbGib[]> {
  const records = await space.getMany(addresses);
  return records.map((record) => {
    if (record) return record;
    throw new BrokenTree();
  });
}
