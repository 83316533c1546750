import { standInMark } from "../ibgib/index.js";
import type { MergeFunction } from "./functions.js";

/**
 * Shows what the highest head says, and nothing of the others: for heads that wait for a function which is not here. Every
 * other merge of the same heads takes its place, and edits go on from that head alone, so nothing is lost by it.
 */
export const highestFunction: MergeFunction = {
  name: standInMark.function,
  version: standInMark.version,
  merge: (_base, ours) => ours,
};
