import fc from "fast-check";
import { describe, it } from "vitest";
import { type Act, Gathering, type Happening } from "./gathering.js";

/**
 * Rounds in which everybody meets every receiver once, in any order, that may still move a tip. In the first, all that
 * anybody has reaches every receiver; in the second, everybody hears of it.
 */
const roundsMax = 2;

const few = fc.nat(4);
const meanwhile: fc.Arbitrary<Happening | undefined> = fc.option(
  fc.record({ after: fc.nat(20), what: fc.constantFrom("cut", "edit") }),
  { nil: undefined },
);
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("edit" as const),
      by: few,
      at: fc.nat(20),
      how: fc.constantFrom("title", "line", "line", "remove", "item", "add"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("sync" as const), by: few, at: few, meanwhile }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rush" as const), at: few, meanwhile }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fan" as const), by: few }) },
);
const story = fc.record({
  size: fc.record({ peers: fc.integer({ min: 2, max: 5 }), receivers: fc.integer({ min: 1, max: 3 }) }),
  acts: fc.array(act, { maxLength: 16 }),
});

/** How many stories; more by KEYSAGA_RUNS. */
const numRuns = Number(process.env["KEYSAGA_RUNS"] ?? 25);

describe("peers who edit one graph, meet through receivers and lose connections", () => {
  it(`come to one graph that holds every edit, within ${roundsMax} rounds, and show none that is not closed`, {
    timeout: 600_000 + numRuns * 5_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(story, fc.infiniteStream(fc.nat()), async ({ size, acts }, choices) => {
        const gathering = await Gathering.open(size);
        try {
          for (const next of acts) await gathering.act(next);
          await gathering.settle(roundsMax, (items) => shuffled(items, () => choices.next().value!));
          await gathering.expectOneGraph();
        } finally {
          await gathering.close();
        }
      }),
      { numRuns },
    );
  });
});

function shuffled<Item>(items: readonly Item[], choose: () => number): Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(choose() % left.length, 1));
}
