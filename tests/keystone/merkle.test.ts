import { describe, expect, it, test } from "vitest";
import { lengthPrefixed, sha256, toHex } from "../../src/base/index.js";
import { merklePath, merklePaths, merkleRoot, rootOfPath } from "../../src/keystone/merkle.js";

const leavesOf = (count: number) => Array.from({ length: count }, (_, at) => sha256(Uint8Array.of(at)));
const sizes = Array.from({ length: 40 }, (_, at) => at + 1);

/** The definition of RFC 6962, section 2.1, with our label: split at the largest power of two below the size. */
function rfc6962Root(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  const halves = [rfc6962Root(leaves.slice(0, split)), rfc6962Root(leaves.slice(split))];
  return sha256(lengthPrefixed("keysaga/merkle-node/1", ...halves));
}

describe.each(sizes)("a tree of %i leaves", (size) => {
  const leaves = leavesOf(size);
  const root = merkleRoot(leaves);

  it("has the shape of RFC 6962", () => {
    expect(toHex(root)).toBe(toHex(rfc6962Root(leaves)));
  });

  it("leads from each leaf to the root, and from no other index", () => {
    for (let index = 0; index < size; index++) {
      const path = merklePath(leaves, index);
      for (let claimed = 0; claimed <= size; claimed++) {
        const reached = rootOfPath(leaves[index]!, claimed, size, path);
        expect(reached !== undefined && toHex(reached) === toHex(root)).toBe(claimed === index);
      }
    }
  });

  it("gives the paths of many leaves as those of each", () => {
    const indexes = [...leaves.keys()].reverse();
    expect(merklePaths(leaves, indexes)).toEqual(indexes.map((index) => merklePath(leaves, index)));
  });

  it("takes a path of no other length, and no other leaf", () => {
    for (let index = 0; index < size; index++) {
      const path = merklePath(leaves, index);
      expect(rootOfPath(leaves[index]!, index, size, [...path, root])).toBeUndefined();
      if (path.length > 0) expect(rootOfPath(leaves[index]!, index, size, path.slice(0, -1))).toBeUndefined();
      expect(rootOfPath(sha256(root), index, size, path)).not.toEqual(root);
    }
  });
});

test.each([-1, 0.5, Number.NaN, 4])("no path leads from index %d of 4 leaves", (index) => {
  expect(rootOfPath(sha256(), index, 4, [sha256(), sha256()])).toBeUndefined();
});

test("an empty list has a root of its own", () => {
  expect(merkleRoot([])).toHaveLength(32);
  expect(merkleRoot([])).not.toEqual(merkleRoot([sha256()]));
});
