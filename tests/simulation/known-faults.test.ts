/** The simulator is proved: faults that somebody could make are put into the sources one at a time, and it finds each. */
import { describe, expect, test } from "vitest";
import { type KnownFault, knownFaults } from "./faults.js";
import { withFault } from "./faulty.js";

type Simulation = Awaited<ReturnType<typeof withFault>>;

/** The first world in which a fault shows. */
async function findFault({ programOf, runProgram }: Simulation, { profile, within }: KnownFault) {
  for (let seed = 1; seed <= within; seed++) {
    const program = programOf(`${seed}`, profile);
    const outcome = await runProgram(program);
    if (outcome.violations.length > 0) return { program, outcome };
  }
  return undefined;
}

describe("a known fault is found within its number of worlds:", () => {
  test.each(knownFaults.map((fault) => [fault.name, fault] as const))(
    "%s",
    async (_, fault) => {
      const found = await findFault(await withFault(fault), fault);
      expect(found?.outcome.violations[0]?.rule).toBe(fault.rule);
    },
    120_000,
  );
});

test("there are twenty of them at least", () => {
  expect(new Set(knownFaults.map(({ name }) => name)).size).toBeGreaterThanOrEqual(20);
});

test("a failing world shrinks to what it takes, the same way each time", async () => {
  const fault = knownFaults.find(({ name }) => name === "a connection is not closed")!;
  const simulation = await withFault(fault);
  const found = (await findFault(simulation, fault))!;
  const once = await simulation.shrink(found.program, found.outcome, simulation.runProgram);
  const again = await simulation.shrink(found.program, found.outcome, simulation.runProgram);
  expect(again.kept).toEqual(once.kept);
  expect(once.kept.length).toBeLessThan(found.program.steps.length / 2);
  expect(once.outcome.violations[0]?.rule).toBe(fault.rule);
  const report = await simulation.simulate({
    ...{ profile: fault.profile, from: Number(found.program.seed), seeds: 1, steps: once.kept },
  });
  expect(report.failures.map(({ violation }) => violation.rule)).toEqual([fault.rule]);
}, 120_000);
