import { toHex } from "../base/index.js";
import { merklePaths } from "../keystone/index.js";
import type { ShownFrame } from "./turn-bodies.js";
import { entryLeaf } from "./turn.js";

/** The places of some entries in a list that is signed as a whole. One tree is made for all of them. */
export function placesAmong(
  list: readonly unknown[],
  shown: readonly Pick<ShownFrame, "entry" | "index">[],
): readonly ShownFrame[] {
  const paths = merklePaths(
    list.map(entryLeaf),
    shown.map(({ index }) => index),
  );
  const hexes = new Map<Uint8Array, string>(); // a node is on the path of all leaves below its sibling
  const hexOf = (node: Uint8Array): string => {
    const hex = hexes.get(node) ?? toHex(node);
    hexes.set(node, hex);
    return hex;
  };
  return shown.map((place, at) => ({ ...place, path: (paths[at] ?? []).map(hexOf) }));
}
