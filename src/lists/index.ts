/**
 * Lists: who may write and who may read a timeline, as records of its owner, and what follows from them. Pure: no clock,
 * no randomness, no I/O. A list is a timeline; its state is the fold of its owner's frames, in any order.
 */
export {
  type Access,
  type Action,
  firstOfList,
  isListAddress,
  isListIb,
  type ListFirst,
  listFor,
  type ListKind,
  listKindOf,
  listKinds,
  type ListRule,
  type ListsOf,
  listsOf,
  readListFirst,
  refuseList,
} from "./list.js";
export { Change, changeList, readChanges, subjectOf } from "./changes.js";
export {
  type Entry,
  entryKey,
  FrameRow,
  IdentityRow,
  isSetAside,
  isTimeOver,
  letsIn,
  nextAdoptionNo,
  nextSetAsideNo,
  nextShareNo,
  nextWithdrawalNo,
  noFrameRow,
  noIdentityRow,
} from "./rows.js";
export {
  changesOf,
  checkEntries,
  emptyList,
  entriesIn,
  foldChanges,
  foldList,
  type ListState,
  rowsOf,
} from "./fold.js";
export { type HeadSaid, headCounts } from "./counts.js";
export { listLimits } from "./limits.js";
