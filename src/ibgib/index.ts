/** Records: addresses, one byte form, admission, timelines, graphs. Pure: no clock, no randomness, no I/O. */
export {
  type Address,
  addressOf,
  gibOf,
  hashOf,
  ibOf,
  isAddress,
  isPrimitive,
  isReservedIb,
  parseAddress,
  shortAddress,
  tjpHashOf,
} from "./address.js";
export type { RecordRule, Rel8ns } from "./admission.js";
export { type ForeignRecord, gibV1 } from "./gib-v1.js";
export {
  type Closure,
  closure,
  dependenciesFirst,
  type GraphLimits,
  type GraphReader,
  graphLimits,
  isExactLink,
  type Link,
  linksOf,
  sameGraph,
  type Visited,
  walk,
} from "./graph.js";
export { recordLimits } from "./limits.js";
export {
  admitRecord,
  type Draft,
  type DraftData,
  decodeRecord,
  decodeText,
  encodeWithoutGib,
  type IbGib,
  type RecordText,
  readRecord,
  sealRecord,
  toText,
} from "./record.js";
export {
  type ChainRule,
  checkFirst,
  checkSuccessor,
  createTimeline,
  fork,
  isFrame,
  isTjp,
  mutate,
  type NewFork,
  type NewTimeline,
  nOf,
  ownerOf,
  type Patch,
  previousOf,
  type Relation,
  relate,
  tjpOf,
  withinOf,
} from "./timeline.js";
