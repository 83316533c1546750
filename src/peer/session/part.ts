import { type Address, type IbGib, nOf, tjpOf } from "../../ibgib/index.js";
import type { SendPlan, SessionLimits } from "../../saga/index.js";
import type { Conversation } from "./conversation.js";
import type { Departure } from "./outflow.js";
import type { NumberedTip } from "./send-plan.js";

/** What one saga may carry one way. Where there is more, the rest follows in sagas to come. */
export interface PartLimit {
  readonly bytes: number;
  readonly records: number;
}

/** What a saga that begins now carries one way: at most half of what is left to its session. */
export function partLimit(
  { dialogue: { caps, voices } }: Pick<Conversation, "dialogue">,
  way: "up" | "down",
  { partBytes }: Pick<SessionLimits, "partBytes">,
): PartLimit {
  const { records, bytes } = (way === "up" ? voices.sender : voices.receiver).totals;
  return {
    bytes: Math.min(partBytes, Math.floor((caps.bytes - bytes) / 2)),
    records: Math.floor((caps.records - records) / 2),
  };
}

/**
 * Where the timelines of a plan, and its stones, end in this part: at an earlier frame, or before they begin. What is not
 * among them goes as far as the plan says.
 */
export type PartEnds = ReadonlyMap<Address, NumberedTip | "later">;

/** May a part end with this frame? It has to be a tip meanwhile: see `mayEndAt`. */
export type MayEnd = (frame: IbGib) => Promise<boolean>;

/**
 * The part of a plan that goes out at once: as much as the limit allows, and in any case as much as brings one timeline
 * further, so that every part is a step. Undefined where all of it goes.
 *
 * Reads what will go out. Holds the frames of timelines that are under way, about as many bytes as the limit allows.
 *
 * @param departures What the whole plan sends, in its order.
 */
export async function partOf(
  plan: SendPlan,
  departures: AsyncIterable<Pick<Departure, "record">>,
  limit: PartLimit,
  mayEnd: MayEnd,
): Promise<PartEnds | undefined> {
  const part = new Part(plan, mayEnd);
  let [bytes, records] = [0, 0];
  for await (const { record } of departures) {
    bytes += record.bytes.length;
    records += 1;
    if ((bytes > limit.bytes || records > limit.records) && (await part.isStep())) return part.ends();
    part.take(record);
  }
  return undefined;
}

/** A timeline that has not gone out whole. */
interface UnderWay {
  /** The frame that goes out last. */
  readonly last: Address | undefined;
  /** Those that have gone, oldest first. */
  readonly frames: IbGib[];
  /** Does each of them go on from what the other side has? Of branches that were merged, only the last one does. */
  readonly isChain: boolean;
}

class Part {
  readonly #underWay = new Map<Address, UnderWay>();
  readonly #stones: Set<Address>;
  readonly #all: number;
  /** Frames that were looked at and can be no end. */
  readonly #ruledOut = new Set<Address>();

  constructor(
    plan: SendPlan,
    private readonly mayEnd: MayEnd,
  ) {
    for (const { tjp, tip } of plan.timelines)
      this.#underWay.set(tjp, { last: tip, frames: [], isChain: true });
    for (const { tjp, frames } of plan.branches)
      this.#underWay.set(tjp, { last: frames.at(-1), frames: [], isChain: false });
    this.#stones = new Set(plan.stones);
    this.#all = this.#underWay.size + this.#stones.size;
  }

  take(record: IbGib): void {
    this.#stones.delete(record.address);
    const tjp = tjpOf(record);
    const timeline = tjp === undefined ? undefined : this.#underWay.get(tjp);
    if (tjp === undefined || !timeline) return;
    if (record.address === timeline.last) this.#underWay.delete(tjp);
    else if (timeline.isChain) timeline.frames.push(record);
  }

  /** Does what went out so far bring anything further? */
  async isStep(): Promise<boolean> {
    if (this.#underWay.size + this.#stones.size < this.#all) return true;
    for (const timeline of this.#underWay.values()) if (await this.#endOf(timeline)) return true;
    return false;
  }

  async ends(): Promise<PartEnds> {
    const ends = new Map<Address, NumberedTip | "later">();
    for (const stone of this.#stones) ends.set(stone, "later");
    for (const [tjp, timeline] of this.#underWay) {
      const end = await this.#endOf(timeline);
      ends.set(tjp, end ? { tip: end.address, n: nOf(end) ?? -1 } : "later");
    }
    return ends;
  }

  async #endOf({ frames }: UnderWay): Promise<IbGib | undefined> {
    for (const frame of frames.toReversed()) {
      if (this.#ruledOut.has(frame.address)) return undefined; // and so are those before it
      if (await this.mayEnd(frame)) return frame;
    }
    for (const { address } of frames) this.#ruledOut.add(address);
    return undefined;
  }
}
