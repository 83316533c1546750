import { jsonDepthMax } from "../base/index.js";

/** What one record may be. Beyond a limit it is refused with `limit_exceeded` (`json_refused` for the depth). */
export const recordLimits = {
  /** The whole byte form of a record. */
  recordBytesMax: 256 * 1024,
  /** An ib in UTF-8. */
  ibBytesMax: 1024,
  /** Lists and objects inside one another, in data and in rel8ns. */
  depthMax: jsonDepthMax,
  /** Names in `rel8ns`. */
  rel8nNamesMax: 64,
  /** Addresses in all lists of one `rel8ns` together. */
  addressesMax: 10_000,
} as const;
