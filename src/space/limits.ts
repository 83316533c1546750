/** What a space holds for sagas that have not committed, and what it reports. Each is configurable when one is opened. */
export interface SpaceLimits {
  /** Records staged for one holder, over all its sagas. Beyond it: `limit_exceeded`. */
  readonly stagedRecordsPerHolder: number;
  /** Bytes of staged records in their byte form, for one holder. */
  readonly stagedBytesPerHolder: number;
  /** Records staged for all holders together. */
  readonly stagedRecords: number;
  /** Bytes staged for all holders together. */
  readonly stagedBytes: number;
  /** Bytes of one stage that are in memory at a time; what is more goes into the store, half as much at once. */
  readonly stagedBytesInMemory: number;
  /** Addresses that a `notClosed` names at most. */
  readonly missingReported: number;
}

export const spaceLimits: SpaceLimits = {
  stagedRecordsPerHolder: 2_000_000,
  stagedBytesPerHolder: 512 * 1024 * 1024,
  stagedRecords: 8_000_000,
  stagedBytes: 2 * 1024 * 1024 * 1024,
  stagedBytesInMemory: 2 * 1024 * 1024,
  missingReported: 1000,
};

/** Bounds on names, in UTF-8 bytes: they become keys of the store, and lmdb takes 1978 bytes. */
export const nameBytesMax = 1024;
