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

/** Bytes that a commit adds by it: proofs, and cells with their keys. */
export function bytesOf({ proofs, cells }: Filing): number {
  const added = cells.map(({ key, from, to }) => (to?.length ?? 0) - (from?.length ?? -key.length));
  const lengths = proofs.map(({ record }) => record.bytes.length);
  return [...added, ...lengths].reduce((sum, length) => sum + Math.max(0, length), 0);
}

/** A cell that two parts of a commit change, in the same way, is changed once. */
export function changedOnce(cells: readonly CellChange[]): readonly CellChange[] {
  return [...new Map(cells.map((change) => [change.key, change])).values()];
}
