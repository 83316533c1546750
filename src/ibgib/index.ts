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
export { recordLimits } from "./limits.js";
export {
  admitRecord,
  type Draft,
  decodeRecord,
  decodeText,
  encodeWithoutGib,
  type IbGib,
  type RecordText,
  readRecord,
  sealRecord,
  toText,
} from "./record.js";
