import type { CellChange, Look } from "../../space/index.js";
import type { Looking } from "../home/list-rows.js";

/** A space as it will be once cells have changed. */
export function overlaidLook(space: Looking, changes: readonly CellChange[]): Looking {
  const changed = new Map(changes.map(({ key, to }) => [key, to] as const));
  return {
    look: (ask) => space.look((look) => ask(withCells(look, changed))),
  };
}

function withCells(look: Look, changed: ReadonlyMap<string, Uint8Array | undefined>): Look {
  return {
    ...look,
    cell: (key) => (changed.has(key) ? changed.get(key) : look.cell(key)),
    *cells(prefix) {
      for (const entry of look.cells(prefix)) if (!changed.has(entry[0])) yield entry;
      for (const [key, value] of changed)
        if (value !== undefined && key.startsWith(prefix)) yield [key, value];
    },
  };
}
