/** What a space holds for sagas that have not committed, and what it reports. Each is configurable when one is opened. */
export interface SpaceLimits {
  /** Records staged for one holder, over all its sagas. Beyond it: `limit_exceeded`. */
  readonly stagedRecordsPerHolderMax: number;
  /** Bytes of staged records in their byte form, for one holder. */
  readonly stagedBytesPerHolderMax: number;
  /** Records staged for all holders together. */
  readonly stagedRecordsInSpaceMax: number;
  /** Bytes staged for all holders together. */
  readonly stagedBytesInSpaceMax: number;
  /** Bytes of one stage that are in memory at a time; what is more goes into the store, half as much at once. */
  readonly stagedBytesInMemoryMax: number;
  /** Addresses that a `notClosed` names at most. */
  readonly missingReportedMax: number;
}

export const spaceLimits: SpaceLimits = {
  stagedRecordsPerHolderMax: 2_000_000,
  stagedBytesPerHolderMax: 512 * 1024 * 1024,
  stagedRecordsInSpaceMax: 8_000_000,
  stagedBytesInSpaceMax: 2 * 1024 * 1024 * 1024,
  stagedBytesInMemoryMax: 2 * 1024 * 1024,
  missingReportedMax: 1000,
};

/** Bounds on names, in UTF-8 bytes: they become keys of the store, and lmdb takes 1978 bytes. */
export const nameBytesMax = 1024;
