import { type Address, gibOf, type IbGib, makerOf, ownerOf } from "../../ibgib/index.js";
import { type Entry, headCounts, isSetAside, noFrameRow, noIdentityRow } from "../../lists/index.js";
import { countingHeads, type FrameReader, type HeadJudge, type MergeOptions } from "../../merge/index.js";
import type { CountedFrame, LetIn } from "../../saga/index.js";
import type { CellChange, Look } from "../../space/index.js";
import { cellKinds, parseCell, sameCell } from "../home/cells.js";
import { framesSaid, frameCell, identityRow, type Looking } from "../home/list-rows.js";
import { listsRuling, rulingOf } from "../home/rulings.js";
import type { Authorize } from "./rights.js";

/** May a frame of `maker` rest on an entry whose uses are counted? Where nothing that is kept here says so already. */
export type LettingIn = (maker: Address, frame: Address, entry: Entry) => boolean;

/** Names a frame with an entry that has let it in, and with who counts its uses. */
export function letInName({ frame, entry, receiver }: Pick<LetIn, "frame" | "entry" | "receiver">): string {
  return `${frame} ${entry} ${receiver}`;
}

/** Is this frame among those that the entry has let in? @param letIn By `letInName`. */
export function isLetIn(
  letIn: ReadonlySet<string>,
  frame: Address,
  { key: entry, receiver }: Entry,
): boolean {
  return receiver !== undefined && letIn.has(letInName({ frame, entry, receiver }));
}

/** Where it is kept that an entry with counted uses has let a frame in. */
export function countedKey({ frame, entry }: Pick<CountedFrame, "frame" | "entry">): string {
  return `${cellKinds.counted.prefix}${gibOf(frame)}/${entry}`;
}

/**
 * Which heads of one timeline count, by the lists that are here: each frame's maker is taken for proved. In a timeline
 * without an owner every head counts; a list, and what no list reaches, only the owner writes.
 */
export class ListedHeads implements HeadJudge {
  /** What was looked at, for a commit to compare. */
  readonly relied = new Map<string, CellChange>();

  /** @param authorize An embedder's rule, which comes first where it says something of a maker. */
  constructor(
    private readonly space: Looking,
    private readonly first: IbGib,
    private readonly authorize?: Authorize | undefined,
    private readonly letsIn: LettingIn = () => false,
  ) {}

  counts(frame: IbGib, isNamed: boolean): Promise<boolean> {
    return this.countsBy(makerOf(frame, this.first), frame.address, isNamed);
  }

  /**
   * The same of a frame that `maker` answers for: of a merge by a function that others cannot compute, who has signed it.
   */
  async countsBy(maker: Address | undefined, frame: Address, isNamed: boolean): Promise<boolean> {
    const owner = ownerOf(this.first);
    if (owner === undefined) return true;
    if (maker === undefined) return false;
    const told = this.authorize?.(maker, "write", this.first);
    if (told !== undefined) return told;
    if (maker === owner) return true;
    return this.space.look((look) => {
      const ruling = rulingOf(this.first, look);
      if (ruling === undefined) return false;
      const { writers } = listsRuling(ruling);
      const [makers, frames] = [identityRow(look, writers, maker), frameCell(look, writers, frame)];
      for (const cell of [makers, frames].map(sameCell)) this.relied.set(cell.key, cell);
      const row = makers.value ?? noIdentityRow;
      const isGood = (entry: Entry) =>
        entry.uses === undefined || this.letsIn(maker, frame, entry) || this.#isCounted(look, frame, entry);
      const makerRow = { ...row, entries: row.entries.filter(isGood) };
      return headCounts({ maker, owner, makerRow, frameRow: frames.value?.row ?? noFrameRow, isNamed });
    });
  }

  /** Does the receiver that counts an entry say, as far as is kept here, that it has let the frame in? */
  #isCounted(look: Look, frame: Address, { key: entry, receiver }: Entry): boolean {
    const key = countedKey({ frame, entry });
    const bytes = look.cell(key);
    this.relied.set(key, { key, from: bytes, to: bytes });
    return bytes !== undefined && parseCell(cellKinds.counted, bytes).by === receiver;
  }

  /** Was an identity ever among the writers? */
  wasNamed(identity: Address): Promise<boolean> {
    return this.space.look((look) => {
      const ruling = rulingOf(this.first, look);
      return (
        ruling !== undefined && identityRow(look, listsRuling(ruling).writers, identity).bytes !== undefined
      );
    });
  }

  isSetAside(frame: Address): Promise<boolean> {
    return this.space.look((look) => {
      const ruling = rulingOf(this.first, look);
      return isSetAside(
        (ruling && frameCell(look, listsRuling(ruling).writers, frame).value?.row) ?? noFrameRow,
      );
    });
  }

  named(): Promise<readonly Address[]> {
    return this.space.look((look) => {
      const ruling = rulingOf(this.first, look);
      if (ruling === undefined) return [];
      const said = framesSaid(look, listsRuling(ruling).writers, this.first.address);
      return said.flatMap(({ frame, row }) => (row.isNamed ? [frame] : []));
    });
  }
}

/** Does one head count? Else frames below it may. @param reader Has its history. */
export async function headIsCounted(
  head: IbGib,
  judge: ListedHeads,
  reader: FrameReader,
  options: MergeOptions,
): Promise<boolean> {
  if (await judge.counts(head, false)) return true;
  if ((await judge.named()).length === 0) return false;
  const counting = await countingHeads([head.address], judge, reader, options);
  return counting.includes(head.address);
}
