import fc from "fast-check";
import { describe, it } from "vitest";
import { type Act, ScopedHome } from "./scope-home.js";

const at = fc.nat(40);
const who = fc.constantFrom("alice" as const, "carol" as const, "bob" as const);
const other = fc.constantFrom("carol" as const, "bob" as const);
const direction = fc.constantFrom("both" as const, "both" as const, "push" as const, "pull" as const);

const deeds = [
  fc.record({
    kind: fc.constant("link" as const),
    by: who,
    from: at,
    to: at,
    name: fc.constantFrom("see" as const, "see" as const, "identity" as const),
  }),
  fc.record({ kind: fc.constant("unlink" as const), from: at, to: at }),
  fc.record({
    kind: fc.constant("edit" as const),
    by: fc.constantFrom("alice" as const, "carol" as const),
    from: at,
  }),
  fc.record({ kind: fc.constant("stone" as const), by: who, to: at, isLinked: fc.boolean() }),
  fc.record({ kind: fc.constant("file" as const), by: other, within: at, to: at }),
  fc.record({
    kind: fc.constant("own" as const),
    by: other,
    isWithin: fc.boolean(),
    isShared: fc.boolean(),
    to: at,
  }),
] as const;

/** What is done in and around a home, and syncs in which bob sends so many timelines more than he should. */
function acts(along: fc.ArrayConstraints): fc.Arbitrary<readonly Act[]> {
  const sync = fc.record({
    kind: fc.constant("sync" as const),
    by: fc.constantFrom("alice" as const, "carol" as const),
    direction,
    linkedMax: fc.option(fc.nat(3), { nil: undefined }),
    along: fc.array(at, along),
  });
  return fc.array(fc.oneof(...deeds, sync), { minLength: 4, maxLength: 14 });
}

/** How many homes of each kind; more by KEYSAGA_RUNS. */
const numRuns = Number(process.env["KEYSAGA_RUNS"] ?? 18);

describe("a home with much that is nobody else's, and a folder that others may write", () => {
  const timeout = 600_000 + numRuns * 5_000;
  const holds = async (story: readonly Act[]) => {
    const home = await ScopedHome.open();
    try {
      for (const next of story) await home.act(next);
      await home.settle();
    } finally {
      await home.close();
    }
  };

  it("sends no record, and takes none, that the rules of scope do not name, whatever the others link (threat 22)", {
    timeout,
  }, async () => {
    await fc.assert(fc.asyncProperty(acts({ maxLength: 0 }), holds), { numRuns });
  });

  it("nor where its receiver sends more than was asked for (threat 22)", { timeout }, async () => {
    await fc.assert(fc.asyncProperty(acts({ minLength: 1, maxLength: 2 }), holds), { numRuns });
  });
});
