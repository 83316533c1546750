/** What finding heads and common ancestors may cost. Beyond it, the call throws `limit_exceeded`; nothing is lost. */
export const mergeLimits = {
  /** Frames read by one call, each once. */
  framesMax: 100_000,
  /** Frames that one merge brings together: 1,000 addresses are 140 KB of the record. */
  headsMax: 1000,
} as const;

export type MergeLimits = { readonly [limit in keyof typeof mergeLimits]: number };

/**
 * What the built-in function does within. These are no settings: with other numbers the same heads give another
 * record, so a change of one is a new version of the function.
 */
export const foldRules = {
  /** Common ancestors of common ancestors of …: how deep a base is itself folded. */
  virtualDepthMax: 8,
  /** Folds of common ancestors in one merge, all depths together. */
  virtualFoldsMax: 256,
} as const;

/** As `foldRules`: numbers that decide what a merged value is. */
export const contentRules = {
  /** Steps of the comparison of one text's or list's lines or items, each side; some 20 ns each. */
  lineStepsMax: 500_000,
  /** Steps of all word comparisons inside one text. */
  wordStepsMax: 500_000,
  /** Conflicts kept one by one in one text or list; if there are more, one entry names the heads alone. */
  regionsMax: 32,
  /** Characters of a value, as JSON, that a conflict repeats; a longer one is read from the head that holds it. */
  valueCharsMax: 4096,
  /** Lists and objects inside one another in such a value: with the path before them they have to fit a record. */
  valueDepthMax: 32,
} as const;

/** What things cost in steps of a comparison, some 20 ns each: measured, and rounded up. */
export const stepsOf = {
  /** A frame that is read and parsed. */
  frameRead: 500,
  /** A frame that a walk goes over. */
  frameWalked: 50,
  /** A member or item of a content that is folded, and a character of it. */
  valueFolded: 40,
  charFolded: 2,
} as const;
