import { member } from "./content.js";
import type { MergeFunction } from "./functions.js";

/** Of a list: a merge holds nothing, since the state of a list is the fold of all its frames, in any order. */
export const listFunction: MergeFunction = {
  name: "list",
  version: 1,
  merge: ({ ib, data }) => ({ ib, data: { of: member(data, "of") ?? null }, rel8ns: {} }),
};
