import {
  type Address,
  type FrameReader,
  fieldsFunction,
  type IbGib,
  mergeFunctions,
  mergeTips,
  type Space,
  systemPlatform,
  type TipMove,
  tjpOf,
} from "../../index.js";
import { fileIb, folderIb } from "./kinds.js";

/** Files and folders are merged by the built-in function, so that every peer makes the same frame, and can check it. */
export const functions = mergeFunctions(
  [folderIb, fileIb].map((ib) => ({ kind: { ib }, function: fieldsFunction })),
);

/** What lists of folders are written with. */
export const writing = { ...systemPlatform, functions };

/** For a commit: frames, dependencies first, and how tips move to them. */
export interface JoinedTips {
  readonly puts: readonly IbGib[];
  readonly tips: readonly TipMove[];
}

/**
 * Brings new frames of timelines together with the tips that the space has. Where all go on from the tip, the newest
 * is the next one; else it is their merge.
 *
 * @param frames Each links only to what the space has and to those before it.
 * @throws KeysagaError as `mergeTips`.
 */
export async function joinTips(space: Space, frames: readonly IbGib[]): Promise<JoinedTips> {
  const byTimeline = addressesByTimeline(frames);
  const before = await space.tips([...byTimeline.keys()]);
  const reader = withFrames(space, frames);
  const merges: IbGib[] = [];
  const tips: TipMove[] = [];
  for (const [at, [tjp, made]] of [...byTimeline].entries()) {
    const from = before[at]?.address;
    const merged = await mergeTips(from === undefined ? made : [from, ...made], reader, functions);
    if ("frame" in merged) merges.push(merged.frame);
    tips.push({ tjp, from, to: "frame" in merged ? merged.frame.address : merged.same });
  }
  return { puts: [...frames, ...merges], tips };
}

function addressesByTimeline(frames: readonly IbGib[]): ReadonlyMap<Address, readonly Address[]> {
  const byTimeline = new Map<Address, Address[]>();
  for (const frame of frames) {
    const tjp = tjpOf(frame) ?? frame.address;
    byTimeline.set(tjp, [...(byTimeline.get(tjp) ?? []), frame.address]);
  }
  return byTimeline;
}

/** The space with frames laid over it that it does not have yet. */
function withFrames(space: Space, frames: readonly IbGib[]): FrameReader {
  const byAddress = new Map<Address, IbGib>(frames.map((frame) => [frame.address, frame]));
  return {
    async getMany(addresses) {
      const stored = await space.getMany(addresses);
      return addresses.map((address, at) => byAddress.get(address) ?? stored[at]);
    },
  };
}
