import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take a quarter of a minute or more by themselves, longest first. */
const longest = [
  "simulation/known-faults",
  "kill/cycles",
  "fuzz/peers",
  "fuzz/machines",
  "teardown/matrix",
  "protocol/matrix",
  "scenarios/sagas",
  "abuse/abuse",
  "properties/divergence.property",
  "protocol/at-once",
  "traces/traces",
];

/** Begins with what takes longest, and ends with what is short: no worker is left alone with a long file at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => placeOf(a) - placeOf(b));
  }
}

function placeOf({ moduleId, project }: TestSpecification): number {
  const at = longest.findIndex((name) => moduleId.endsWith(`/tests/${name}.test.ts`));
  if (at >= 0) return at;
  return project.name === "fast" ? longest.length + 1 : longest.length;
}
