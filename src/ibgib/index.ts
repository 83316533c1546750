/** Records: addresses, one byte form, admission, timelines, graphs. Pure: no clock, no randomness, no I/O. */
export {
  type Address,
  addressOf,
  gibOf,
  hashOf,
  ibOf,
  isAddress,
  isIdentityAddress,
  isPrimitive,
  isReservedIb,
  parseAddress,
  shortAddress,
  tjpHashOf,
} from "./address.js";
export { isBinAddress, type RecordRule, type Rel8ns } from "./admission.js";
export { type ForeignRecord, gibV1 } from "./gib-v1.js";
export {
  type Closure,
  closure,
  dependenciesFirst,
  type GraphLimits,
  type GraphReader,
  graphLimits,
  holderOf,
  isChainLink,
  isExactLink,
  type Link,
  linksOf,
  mayStayAway,
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
export { type ChainRule, checkFirst, checkMaker, checkSuccessor, isWithinOwners } from "./chain.js";
export {
  isFrame,
  isMerge,
  isStandIn,
  isTjp,
  type MergeMark,
  makerOf,
  mergeMarkOf,
  nOf,
  ownerOf,
  previousOf,
  standInMark,
  tjpOf,
  withinOf,
} from "./frame.js";
export {
  createTimeline,
  fork,
  type Edit,
  type Made,
  mutate,
  type NewFork,
  type NewTimeline,
  type Patch,
  type Relation,
  relate,
} from "./timeline.js";
