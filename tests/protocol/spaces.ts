import type { Space, SpaceView } from "../../src/space/index.js";

/** What a test may do around each call of a space: wait, or throw. */
export type AroundCall = (method: string) => Promise<void> | void;

/** The methods of a space that take their time. */
const slowMethods = new Set<PropertyKey>([
  "getMany",
  "get",
  "hasMany",
  "tip",
  "tips",
  "frameAt",
  "frames",
  "reachableTips",
  "missing",
  "stage",
  "keep",
  "takeOver",
  "drop",
  "commit",
  "cell",
  "cells",
  "proof",
  "proofs",
]); // prettier-ignore

/** Those that take effect in the order they are called. */
const stageMethods = new Set<PropertyKey>(["stage", "keep", "takeOver", "drop", "commit"]);

/**
 * A space that waits for `before` in front of each call, and for `after` behind it. Calls on what a saga has staged
 * keep their order, as in any space.
 */
export function spaceWith(
  inner: Space,
  { before, after }: { before?: AroundCall; after?: AroundCall },
): Space {
  let staged: Promise<unknown> = Promise.resolve();
  const inOrder = (name: string) => {
    const turn = staged.then(() => before?.(name));
    staged = turn.catch(() => undefined);
    return turn;
  };
  const around = async <Result>(look: () => Promise<Result>) => {
    await before?.("view");
    const found = await look();
    await after?.("view");
    return found;
  };
  const slowView = (view: SpaceView): SpaceView => ({
    getMany: (addresses) => around(() => view.getMany(addresses)),
    hasMany: (addresses) => around(() => view.hasMany(addresses)),
  });
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name === "view") return (...args: Parameters<Space["view"]>) => slowView(target.view(...args));
      if (!slowMethods.has(name)) return value.bind(target);
      return async (...args: unknown[]) => {
        await (stageMethods.has(name) ? inOrder(String(name)) : before?.(String(name)));
        const result: unknown = await Reflect.apply(value, target, args);
        await after?.(String(name));
        return result;
      };
    },
  });
}
