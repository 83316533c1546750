/**
 * Merge: bringing the tips of a timeline together, the same way on every peer. Pure; reads through a port.
 */

export { compareTexts, type TextHunk } from "./compare-texts.js";
export { checkMerge } from "./check-merge.js";
export {
  type Conflict,
  type ConflictChoice,
  type ConflictValue,
  conflictsOf,
  resolveConflicts,
} from "./conflicts.js";
export type { Content, HeadContent } from "./content.js";
export { fieldsFunction } from "./fields.js";
export {
  type MergeFunction,
  isBuiltInMerge,
  type MergeFunctions,
  type MergeHeads,
  mergeFunctions,
  type RecordKind,
  type Registration,
} from "./functions.js";
export { countingHeads, type HeadJudge } from "./counting.js";
export { framesBeyond, runEndsBeyond } from "./difference.js";
export { compareTips, headsOf, type TipRelation } from "./heads.js";
export type { FrameReader, MergeOptions, Pause } from "./history.js";
export type { Spend } from "./text.js";
export { type MergeLimits, mergeLimits } from "./limits.js";
export { mergeOf, type Merged, mergeTips, standInFor } from "./merge-tips.js";
export { overlaid } from "./overlay.js";
export type { MergeFailure, MergeRule } from "./refusals.js";
export { type MergedText, mergeText, type TextChoice, type TextContest } from "./text.js";
