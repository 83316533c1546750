/** Spaces: records and the tips of their timelines, what is visible always closed. The lmdb one is in keysaga/node. */

export { InnerSpace, type InnerSpaceOptions } from "./inner-space.js";
export { type SpaceLimits, spaceLimits } from "./limits.js";
export type { Reader, Store, Table, Writer } from "./store.js";
export { StoreSpace, type StoreSpaceOptions } from "./store-space.js";
export type {
  CellChange,
  Charge,
  Commit,
  CommitResult,
  Holder,
  ProofPut,
  Reference,
  ReferenceTo,
  SagaId,
  Scanned,
  Inner,
  Look,
  Sight,
  Space,
  SpaceView,
  StagedRecord,
  StageTotals,
  TakenOver,
  Tip,
  TipMove,
  TipNow,
} from "./space.js";
