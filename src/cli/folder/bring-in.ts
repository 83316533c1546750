import { type Address, type IbGib, type Identity, relate } from "../../index.js";
import { ChunkTree, digestOfRoot, stonesBelow } from "./chunk-tree.js";
import { commitFrames } from "./commit-frames.js";
import type { Content, SaidChunks } from "./content.js";
import { FileChanged } from "./disk-file.js";
import { chunkLink, rootLink, type Saying } from "./version.js";

/** What the next frame of a file says, with what has to be recorded together with it. */
export interface Brought {
  readonly saying: Saying;
  /** Stones that are not in the space yet, dependencies first. */
  readonly stones: readonly IbGib[];
  /** The frame that the next one goes on from; undefined where that is the first. */
  readonly tip: IbGib | undefined;
}

/** Bytes of chunks that are recorded together: what is held in memory, and travels as a whole. */
const aheadBytes = 8 * 1024 * 1024;

/**
 * Reads what a file says for its next frame. Of many chunks those that do not fit into one transaction are recorded ahead, a
 * frame for each `aheadBytes` of them that links all so far and changes nothing else: so they travel in parts, and what was sent need
 * not be sent again. Where this does not come to its end, the next version of the file goes on from there.
 *
 * @param tip The frame to go on from.
 * @param first Makes the first frame of a file that has none.
 * @returns Undefined where the file is not as it was scanned any more.
 * @throws FolderError `moved`.
 */
export async function bringIn(
  identity: Identity,
  content: Content,
  tip: IbGib | undefined,
  first?: () => IbGib,
): Promise<Brought | undefined> {
  const said = await content.read();
  if (said === undefined) return undefined;
  if ("text" in said) return { saying: said, stones: [], tip };
  if (said.root !== undefined) return { saying: { content: said.root }, stones: [], tip };
  const bringing = new Bringing(identity, await knownTo(identity, tip), tip, first);
  try {
    return await bringing.all(said, content.digest);
  } catch (thrown) {
    if (thrown instanceof FileChanged) return undefined;
    throw thrown;
  }
}

function knownTo({ space }: Identity, tip: IbGib | undefined): Promise<ReadonlySet<Address>> {
  return stonesBelow(space, [...linked(tip, rootLink), ...linked(tip, chunkLink)]);
}

function linked(frame: IbGib | undefined, name: string): readonly Address[] {
  return frame?.rel8ns?.[name] ?? [];
}

class Bringing {
  readonly #tree = new ChunkTree();
  #stones: IbGib[] = [];
  #bytes = 0;

  constructor(
    private readonly identity: Identity,
    private readonly known: ReadonlySet<Address>,
    private tip: IbGib | undefined,
    private readonly first: (() => IbGib) | undefined,
  ) {}

  async all({ chunks }: SaidChunks, digest: string): Promise<Brought | undefined> {
    for await (const chunk of chunks) {
      this.#take(this.#tree.add(chunk));
      if (this.#bytes >= aheadBytes) await this.#goAhead();
    }
    const end = this.#tree.end();
    if (end === undefined || digestOfRoot(end.root.address) !== digest) return undefined;
    this.#take(end.stones);
    return { saying: { content: end.root.address }, stones: this.#stones, tip: this.tip };
  }

  #take(stones: readonly IbGib[]): void {
    for (const stone of stones) {
      if (this.known.has(stone.address)) continue;
      this.#stones.push(stone);
      this.#bytes += stone.bytes.length;
    }
  }

  async #goAhead(): Promise<void> {
    const first = this.tip ? [] : [this.first!()];
    const before = this.tip ?? first[0]!;
    const soFar = this.#tree.soFar;
    const others = linked(before, chunkLink).filter((each) => each !== soFar.address);
    const links = { add: { [chunkLink]: [soFar.address] }, remove: { [chunkLink]: others } };
    const ahead = relate(before, links, { by: this.identity.address });
    await commitFrames(this.identity, { frames: [...first, ahead], stones: [...this.#stones, soFar] });
    [this.tip, this.#stones, this.#bytes] = [ahead, [], 0];
  }
}
