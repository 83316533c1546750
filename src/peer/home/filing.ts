import type { CellChange, ProofPut } from "../../space/index.js";

/** What a commit takes in. Its cells are compared and set: where one of them moved, it is made anew. */
export interface Filing {
  readonly proofs: readonly ProofPut[];
  readonly cells: readonly CellChange[];
}

export const nothingFiled: Filing = { proofs: [], cells: [] };

export function joinFilings(filings: readonly Filing[]): Filing {
  return {
    proofs: filings.flatMap(({ proofs }) => proofs),
    cells: filings.flatMap(({ cells }) => cells),
  };
}

/** A cell that two parts of a commit change, in the same way, is changed once. */
export function changedOnce(cells: readonly CellChange[]): readonly CellChange[] {
  return [...new Map(cells.map((change) => [change.key, change])).values()];
}

/** A cell that has to be as it is; what a commit changes anyway is compared by that. */
export function comparedWith(
  changed: readonly CellChange[],
  compared: readonly CellChange[],
): readonly CellChange[] {
  const keys = new Set(changed.map(({ key }) => key));
  return [...changed, ...compared.filter(({ key }) => !keys.has(key))];
}
