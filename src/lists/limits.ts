/** What one list may hold and name. Counts, unless they say otherwise. */
export const listLimits = {
  /** Entries in force of one list: more identities are for a group. A list over it still takes withdrawals. */
  entriesInForceMax: 10_000,
  /** Entries in force of one identity in one list, side by side. */
  entriesOfOneMax: 64,
  /** Changes that one frame makes. */
  changesMax: 1_000,
  /** Frames that one withdrawal names: some 140 KB of the record. Where there are more, several withdrawals name them. */
  namesMax: 1_000,
  /** Characters of the reason why a frame is set aside. */
  whyCharsMax: 500,
  /** Timelines within one another, the outermost not counted: deeper down only the owner may read and write. */
  withinDepthMax: 16,
} as const;
