import { type Commit, type IbGib, type Identity, KeysagaError, saveRecords } from "../../index.js";
import { FolderError } from "./errors.js";
import { joinTips } from "./join-tips.js";

export interface NewFrames {
  /** Each links only to what the space has, to `stones`, and to those before it. */
  readonly frames: readonly IbGib[];
  /** Dependencies first. */
  readonly stones?: readonly IbGib[];
  readonly cells?: Commit["cells"];
}

/**
 * Makes frames of files durable as this identity's own, merged with the tips that the space has, in one transaction with cells.
 *
 * @throws FolderError `moved` where another process of this home was faster; and as `saveRecords`.
 */
export async function commitFrames(
  identity: Identity,
  { frames, stones = [], cells = [] }: NewFrames,
): Promise<void> {
  const { puts, tips } = await joinTips(identity.space, frames);
  try {
    await saveRecords(identity, [...stones, ...puts], { tips, cells });
  } catch (thrown) {
    if (thrown instanceof KeysagaError && thrown.code === "tip_moved") throw new FolderError("moved");
    throw thrown;
  }
}
