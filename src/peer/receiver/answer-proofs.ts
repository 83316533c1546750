import { type Address, type IbGib, makerOf } from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import type { FinalTip, Found, MadeFrame, Root } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { framesToProve } from "../branches/added-frames.js";
import type { Merging } from "../branches/merging.js";
import { type ShownList, showLists } from "../branches/show-lists.js";
import type { Identity } from "../home/identity.js";
import { isMadeHere } from "../home/made.js";
import { proofsFor } from "../rights/attestations.js";
import { listsHere } from "../rights/lists-here.js";
import { joinShown, type ShownParts } from "../rights/proof-parts.js";
import type { Standing } from "../rights/standing.js";

export type Proofs = Pick<Found, "evidence" | "made">;

/** A frame that goes out and has to be proved, and the first one of its timeline. */
interface ToProve {
  readonly frame: IbGib;
  readonly first: IbGib;
}

/** A tip that goes out, and frames of it whose histories the sender has. */
export interface Shown {
  readonly tip: FinalTip;
  readonly known: readonly Address[];
  /** Frames that go along beside its history: see `carriersHere`. */
  readonly beside: readonly Address[];
}

/** What a receiver shows one sender in a saga beside records: lists, and what proves who has made frames. */
export class AnswerProofs {
  readonly #space: Space;
  /** Frames of lists whose histories the sender has, or was sent: by list. */
  readonly #heldLists = new Map<Address, readonly Address[]>();
  #shown: ShownParts = new Map();

  constructor(
    private readonly self: Pick<Identity, "space" | "address">,
    private readonly standing: Standing,
    private readonly merging: Merging,
    /** The lane between both sides. */
    private readonly lane: Address,
  ) {
    this.#space = self.space;
  }

  /** What the sender was shown of proofs, to be remembered once the saga is committed. */
  get shown(): ShownParts {
    return this.#shown;
  }

  /** The sender has named lists that it has. */
  hold(roots: readonly Root[]): void {
    for (const { address, tip, locator = tip ? [tip] : [] } of roots)
      if (isListAddress(address)) this.#heldLists.set(address, locator);
  }

  /**
   * What proves who has made the frames that go out, behind the lists that rule them. None of bare first frames.
   *
   * @param before Lists that go out with it anyway.
   */
  async ofTips(all: readonly Shown[], before: readonly ShownList[]): Promise<Proofs> {
    const timelines = all.map(({ tip }) => tip.address);
    const firsts = await this.#space.getMany(timelines);
    const readable = await this.standing.readsAll(firsts);
    const records = await this.#space.getMany(all.map(({ tip }) => tip.tip));
    const toProve: ToProve[] = [];
    for (const [at, { known, beside }] of all.entries()) {
      const [first, record] = [firsts[at], records[at]];
      if (!first || !record || !readable[at]) continue;
      const frames = await framesToProve(record, first, known, this.#space, this.merging);
      const carriers = (await this.#space.getMany(beside)).flatMap((frame) => frame ?? []);
      toProve.push(...[...frames, ...carriers].map((frame) => ({ frame, first })));
    }
    return this.ofFrames([...before, ...(await this.lists(timelines))], toProve);
  }

  /** Lists, and what proves them and these frames: those of this home's own making are attested by the very turn. */
  async ofFrames(lists: readonly ShownList[], frames: readonly ToProve[]): Promise<Proofs> {
    const made: MadeFrame[] = [];
    const others: Address[] = [];
    const ofLists = lists.flatMap(({ first, toProve }) => toProve.map((frame) => ({ frame, first })));
    for (const { frame, first } of [...ofLists, ...frames]) {
      if (await this.#isOwn(frame, first)) made.push({ tjp: first.address, frame: frame.address });
      else others.push(frame.address);
    }
    const { evidence, shown } = await proofsFor(this.#space, others, {
      lane: this.lane,
      identity: this.standing.identity,
    });
    this.#shown = joinShown(this.#shown, shown);
    return { made, evidence: [...lists.flatMap((list) => list.frames), ...evidence] };
  }

  /** Was it made here, by this home's own user? No other frame is ever attested. */
  async #isOwn(frame: IbGib, first: IbGib): Promise<boolean> {
    const self = this.self.address;
    return (makerOf(frame, first) ?? self) === self && (await isMadeHere(this.#space, frame.address));
  }

  /**
   * What the sender lacks of the lists that rule these timelines, and of the lists that it has named itself, each once in a
   * saga. It is shown the writers of what it may read, and of whatever once named it; its own readers alone.
   */
  async lists(timelines: readonly Address[]): Promise<readonly ShownList[]> {
    const ruling = await listsHere(this.#space, timelines);
    const lists = [...new Set([...ruling.map(({ tip }) => tip.tjp), ...timelines.filter(isListAddress)])];
    const firsts = await this.#space.getMany(lists);
    const readable = await this.standing.readsAll(firsts);
    const toShow = lists.filter((_, at) => readable[at] && firsts[at]);
    const shown = await showLists(
      this.#space,
      toShow.map((list) => ({ list, known: this.#heldLists.get(list) ?? [] })),
      this.merging,
    );
    for (const { first, tip } of shown) this.#heldLists.set(first.address, [tip]);
    return shown;
  }
}
