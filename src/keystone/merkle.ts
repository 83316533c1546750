import { assert, lengthPrefixed, sha256, utf8 } from "../base/index.js";

/*
 * A Merkle tree over any number of leaves: neighbours are hashed together level by level, and the last node of a
 * level with an odd number moves up as it is. That is the shape of RFC 6962, section 2.1 (the left half of n leaves is
 * the largest power of two below n). A leaf's index and the number of leaves fix the length of its path and every
 * left and right; callers hash leaves under a label of their own, so a node can never pass for a leaf.
 */

/** The root over `leaves` of 32 bytes each. Costs one hash fewer than there are leaves; an empty list has a root too. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  return levelsOf(leaves).at(-1)?.[0] ?? sha256(lengthPrefixed("keysaga/merkle-empty/1"));
}

/** The siblings from leaf `index` up to the root; verify with `rootOfPath`. */
export function merklePath(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  return merklePaths(leaves, [index])[0]!;
}

/** The paths of many leaves, in the order of `indexes`. The tree is hashed once. */
export function merklePaths(leaves: readonly Uint8Array[], indexes: readonly number[]): Uint8Array[][] {
  const levels = levelsOf(leaves);
  return indexes.map((index) => {
    assert(Number.isInteger(index) && index >= 0 && index < leaves.length, "the leaf is in the tree");
    return pathThrough(levels, index);
  });
}

function pathThrough(levels: readonly (readonly Uint8Array[])[], index: number): Uint8Array[] {
  const path: Uint8Array[] = [];
  let at = index;
  for (const level of levels) {
    const sibling = level[at ^ 1];
    if (sibling !== undefined) path.push(sibling);
    at >>= 1;
  }
  return path;
}

/** The root that `leaf` at `index` of `size` leaves leads to, or undefined where the path has another length. */
export function rootOfPath(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (!Number.isInteger(index) || index < 0 || index >= size) return undefined;
  let node = leaf;
  let used = 0;
  for (let at = index, width = size; width > 1; at >>= 1, width = (width + 1) >> 1) {
    if ((at ^ 1) >= width) continue; // the last of an odd level has no sibling and moves up
    const sibling = path[used++];
    if (sibling === undefined) return undefined;
    node = at % 2 === 0 ? joined(node, sibling) : joined(sibling, node);
  }
  return used === path.length ? node : undefined;
}

/** All levels, from the leaves to the root. */
function levelsOf(leaves: readonly Uint8Array[]): (readonly Uint8Array[])[] {
  const levels = [leaves];
  for (let level = leaves; level.length > 1; levels.push(level)) level = levelAbove(level);
  return levels;
}

function levelAbove(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const left = level[at]!;
    const right = level[at + 1];
    above.push(right === undefined ? left : joined(left, right));
  }
  return above;
}

const nodeLabel = utf8("keysaga/merkle-node/1");

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(lengthPrefixed(nodeLabel, left, right));
}
