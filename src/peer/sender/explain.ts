import { type Address, graphLimits, type IbGib, isTjp, nOf, tjpOf, walk } from "../../ibgib/index.js";
import { framesBeyond, type MergeOptions } from "../../merge/index.js";
import type { Space } from "../../space/index.js";
import { type Arrival, arrivalOf, arrivalsAt, type ReceiptMark } from "./arrivals.js";

/**
 * Where a record is, as far as this side can know: only `local`, held here; `sent`, it went out in a saga whose receipt
 * has not come; `durable`, a receipt says that the receiver has it.
 */
export type RecordStatus = "local" | "sent" | "durable";

/** Every reason for a status, with a sentence that is safe to show. */
export const explanations = {
  not_committed_here: "This space does not hold the record.",
  never_synced: "Nothing was ever synced with this receiver.",
  no_root_leads_to_it: "Nothing that was synced with this receiver leads to the record.",
  newer_than_last_sync: "The record was added after the last sync with this receiver.",
  refused_there: "The receiver did not take it: this identity may not write there, or has no room there.",
  receipt_awaited: "The record went out, and no receipt for it has come yet.",
  receipt: "A receipt of the receiver covers the record.",
} as const;

export type ExplanationReason = keyof typeof explanations;

/** Why a record is, or is not, on the other side. Nothing is asked of the receiver for it. */
export interface Explanation {
  /** Undefined where this space does not hold the record. */
  readonly status: RecordStatus | undefined;
  readonly because: ExplanationReason;
  /** One sentence, safe to show to anyone. */
  readonly text: string;
  /** The receipt that covers it. `time` is the receiver's clock, and a claim. */
  readonly receipt?: ReceiptMark;
}

/** What an explanation goes by. */
export interface Explaining {
  readonly space: Space;
  /** Undefined where none was met at that origin. */
  readonly receiver: Address | undefined;
  readonly options: MergeOptions;
}

/**
 * Explains from what this space holds and the receiver has signed. A frame of a timeline that was synced is judged by that
 * timeline alone, mostly from the index. Any other record is there if a receipt's tip, or stone, leads to it: that walks
 * their graphs, newest first.
 *
 * @throws KeysagaError `limit_exceeded` where such a walk meets more than `graphLimits.addressesMet`.
 */
export async function explainRecord(explaining: Explaining, address: Address): Promise<Explanation> {
  const { space, receiver } = explaining;
  const record = await space.get(address);
  if (record === undefined) return { ...because("not_committed_here"), status: undefined };
  if (receiver === undefined) return because("never_synced");
  const tjp = tjpOf(record);
  const arrival = tjp && (await arrivalOf(space, receiver, tjp));
  if (arrival) return explainFrame(explaining, record, arrival);
  const arrivals = await arrivalsAt(space, receiver);
  return arrivals.length === 0 ? because("never_synced") : explainLinked(space, record, arrivals);
}

async function explainFrame(explaining: Explaining, frame: IbGib, arrival: Arrival): Promise<Explanation> {
  const { receipt, sent } = arrival;
  const isOf = (tips: readonly Address[]) => isInHistoryOf(explaining, frame, arrival.root, tips);
  if (receipt && (await isOf(receipt.held))) return covered(receipt);
  if (sent !== undefined && (await isOf([sent]))) return because("receipt_awaited", "sent");
  if (receipt?.refused !== undefined && (await isOf([receipt.refused]))) return because("refused_there");
  return because("newer_than_last_sync");
}

/** From the index where all of them lie on the chain of the tip; else by a walk down to the frame. */
async function isInHistoryOf(
  { space, options }: Explaining,
  frame: IbGib,
  tjp: Address,
  tips: readonly Address[],
): Promise<boolean> {
  const records = (await space.getMany(tips)).filter((tip) => tip !== undefined);
  const onChain = await Promise.all([frame, ...records].map((record) => isOnChain(space, tjp, record)));
  if (onChain.every(Boolean)) return records.some((tip) => numberOf(tip) >= numberOf(frame));
  if (await isFrameBeyond(space, frame, records, options)) return isLinked(space, frame.address, records);
  return true;
}

async function isOnChain(space: Space, tjp: Address, frame: IbGib): Promise<boolean> {
  return (await space.frameAt(tjp, numberOf(frame))) === frame.address;
}

async function isFrameBeyond(
  space: Space,
  { address }: IbGib,
  tips: readonly IbGib[],
  options: MergeOptions,
): Promise<boolean> {
  const known = tips.map((tip) => tip.address);
  return (await framesBeyond(address, known, space, options)).length > 0;
}

/** A branch that other software grafted on is no history, and there all the same. */
async function isLinked(space: Space, address: Address, tips: readonly IbGib[]): Promise<boolean> {
  const met = new Met(space);
  return met.reaches(
    tips.map((tip) => tip.address),
    [address],
  );
}

const numberOf = (frame: IbGib): number => nOf(frame) ?? -1;

/** A stone, or a frame that only links lead to. */
async function explainLinked(
  space: Space,
  record: IbGib,
  arrivals: readonly Arrival[],
): Promise<Explanation> {
  const { address } = record;
  // A timeline that is linked and no root of any sync has stayed here.
  if (isTjp(record)) return because("no_root_leads_to_it");
  const met = new Met(space);
  for (const { receipt } of arrivals)
    if (receipt && (await met.reaches(receipt.held, [address]))) return covered(receipt);
  const sent = arrivals.flatMap((arrival) => arrival.sent ?? []);
  if (await met.reaches(sent, [address])) return because("receipt_awaited", "sent");
  const refused = arrivals.flatMap(({ receipt }) => receipt?.refused ?? []);
  if (await met.reaches(refused, [address])) return because("refused_there");
  const targets = [address, tjpOf(record) ?? address];
  const roots = arrivals.map(({ root }) => root);
  if (await new Met(space, "tips").reaches(roots, targets)) return because("newer_than_last_sync");
  return because("no_root_leads_to_it");
}

/** What walks have met so far: no record is walked from twice. */
class Met {
  readonly #met = new Set<Address>();
  readonly #reader: Parameters<typeof walk>[1];

  /** @param follow A link to a timeline means its first frame alone, or its tip as well. */
  constructor(space: Space, follow?: "tips") {
    this.#reader = {
      getMany: (addresses) => this.#read(space, addresses),
      tips: (tjps) => (follow ? space.tips(tjps) : Promise.resolve(tjps.map(() => undefined))),
    };
  }

  /** Do links lead from `roots` to one of `targets`? Stops where they do. */
  async reaches(roots: readonly Address[], targets: readonly Address[]): Promise<boolean> {
    if (targets.some((target) => this.#met.has(target))) return true;
    const limits = { ...graphLimits, depth: graphLimits.addressesMet };
    for await (const _ of walk(roots, this.#reader, limits))
      if (targets.some((target) => this.#met.has(target))) return true;
    return false;
  }

  async #read(space: Space, addresses: readonly Address[]): Promise<readonly (IbGib | undefined)[]> {
    const isNew = addresses.map((address) => !this.#met.has(address));
    const records = await space.getMany(addresses.filter((_, at) => isNew[at]));
    let next = 0;
    return addresses.map((address, at) => {
      if (!isNew[at]) return undefined;
      const record = records[next++];
      if (record !== undefined) this.#met.add(address);
      return record;
    });
  }
}

function covered({ saga, session, time }: ReceiptMark): Explanation {
  return { ...because("receipt", "durable"), receipt: { saga, session, time } };
}

function because(reason: ExplanationReason, status: RecordStatus = "local"): Explanation {
  return { status, because: reason, text: explanations[reason] };
}
