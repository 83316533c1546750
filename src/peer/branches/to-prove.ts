import { type Address, ownerOf, tjpOf } from "../../ibgib/index.js";
import type { MadeFrame, SenderSagaEvent } from "../../saga/index.js";
import { needsMark } from "../home/made.js";
import { proofsFor } from "../rights/attestations.js";
import type { ShownParts } from "../rights/proof-parts.js";
import { addedFrames } from "./added-frames.js";
import type { Resolving, Taking } from "./taking.js";

/** A tip that the receiver gets, and what it replaces there. */
export interface AddedTip {
  readonly tip: Address;
  readonly from: Address | undefined;
}

/** A frame that has to be proved at the receiver. */
export interface ToProve extends MadeFrame {
  /** Was it made here? */
  readonly isOwn: boolean;
}

/** The frames that a tip adds there, as far as they have to be proved. */
export async function framesToProve(
  taking: Taking,
  { merging }: Pick<Resolving, "merging">,
  { tip, from }: AddedTip,
): Promise<readonly ToProve[]> {
  const { reader } = taking;
  const [record] = await reader.getMany([tip]);
  const tjp = record && tjpOf(record);
  if (!record || tjp === undefined) return [];
  const [first] = await reader.getMany([tjp]);
  if (!first || ownerOf(first) === undefined) return [];
  const { toProve } = await addedFrames(record, first, from, reader, merging);
  const frames: ToProve[] = [];
  for (const frame of needsMark(record) ? [record, ...toProve] : toProve)
    frames.push({ tjp, frame: frame.address, isOwn: await taking.isOwn(frame, first) });
  return frames;
}

/**
 * What proves at the receiver who has made the frames that it gets: what was made here this side signs, anew to each
 * receiver; for the rest it passes on what their makers have signed. What nobody has signed goes without.
 *
 * @param beside Frames that go along beside tips.
 */
export async function proofsThere(
  { identity, lane, receiver }: Pick<Resolving, "identity" | "lane" | "receiver">,
  toProve: readonly ToProve[],
  beside: readonly Address[],
): Promise<
  Pick<Extract<SenderSagaEvent, { kind: "resolved" }>, "made" | "evidence"> & { readonly shown: ShownParts }
> {
  const made = toProve.filter(({ isOwn }) => isOwn).map(({ tjp, frame }) => ({ tjp, frame }));
  const others = toProve.filter(({ isOwn }) => !isOwn).map(({ frame }) => frame);
  const { evidence, shown } = await proofsFor(identity.space, [...beside, ...others], {
    lane,
    identity: receiver,
  });
  return { made, evidence, shown };
}
