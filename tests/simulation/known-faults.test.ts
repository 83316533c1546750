/** The simulator is proved: faults that somebody could make are put into the sources one at a time, and it finds each. */
import { afterAll, describe, expect, test } from "vitest";
import { describeFailure, programOf, runProgram } from "../../src/testing/index.js";
import { watchThemselves } from "../one-time/ledger.js";
import { type KnownFault, knownFaults } from "./faults.js";
import { withFault } from "./faulty.js";

afterAll(watchThemselves());

type Simulation = Awaited<ReturnType<typeof withFault>>;

/** A world in which a fault shows: the one that showed it last, where it still does, else the first. */
async function findFault(simulation: Simulation, { profile, within, lastFound = 1 }: KnownFault) {
  const seeds = Array.from({ length: within }, (_, at) => at + 1);
  for (const seed of [lastFound, ...seeds]) {
    const program = simulation.programOf(`${seed}`, profile);
    const outcome = await simulation.runProgram(program);
    if (outcome.violations.length > 0) return { seed, program, outcome };
  }
  return undefined;
}

describe("a known fault is found within its number of worlds:", () => {
  test.each(knownFaults.map((fault) => [fault.name, fault] as const))(
    "%s",
    async (_, fault) => {
      const found = await findFault(await withFault(fault), fault);
      expect(found, `none of ${fault.within} worlds`).toBeDefined();
      const withoutIt = await runProgram(programOf(`${found?.seed}`, fault.profile));
      expect(withoutIt.violations).toEqual([]);
    },
    600_000,
  );
});

test("there are twenty of them at least", () => {
  expect(new Set(knownFaults.map(({ name }) => name)).size).toBeGreaterThanOrEqual(20);
});

test("a failing world shrinks to what it takes, the same way each time, and says how to run that again", async () => {
  const fault = knownFaults.find(({ name }) => name === "no compare-and-set on tips")!;
  const simulation = await withFault(fault);
  const { seed, program, outcome } = (await findFault(simulation, fault))!;
  const [violation] = outcome.violations;
  const once = await simulation.shrink(program, outcome, simulation.runProgram);
  const again = await simulation.shrink(program, outcome, simulation.runProgram);
  expect(again.kept).toEqual(once.kept);
  expect(once.kept.length).toBeLessThan(program.steps.length);
  const { profile } = fault;
  const report = await simulation.simulate({ profile, from: seed, seeds: 1, steps: once.kept });
  expect(report.failures.map((failed) => failed.violation.rule)).toEqual([violation?.rule]);
  const described = describeFailure({ seed, profile, violation: violation!, smallest: once });
  expect(described).toContain(`from: ${seed}, seeds: 1, steps: [${once.kept.join(", ")}]`);
});
