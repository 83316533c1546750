import { afterAll, describe, expect, test } from "vitest";
import {
  describeFailure,
  type ProfileName,
  profiles,
  programOf,
  runProgram,
  simulate,
} from "../../src/testing/index.js";
import { watchThemselves } from "../one-time/ledger.js";

afterAll(watchThemselves());

/** Worlds of each kind; more by KEYSAGA_RUNS, from another seed by KEYSAGA_SEED. */
const seeds = Number(process.env["KEYSAGA_RUNS"] ?? 5);
const from = Number(process.env["KEYSAGA_SEED"] ?? 1);
const names = Object.keys(profiles) as ProfileName[];

/** What at least goes wrong in enough worlds of a kind. */
const troubles: Partial<Record<ProfileName, readonly string[]>> = {
  network: ["cut", "partition"],
  crashes: ["crash (kill)"],
  storage: ["disk flush", "disk full", "disk slow"],
  clocks: ["clock jump"],
  backups: ["sender restored", "receiver restored"],
  processes: ["second process"],
  hostile: ["stranger"],
  makers: ["forged frame"],
};

describe.each(names)("worlds of the kind %s", (profile) => {
  test("keep every invariant, and what goes wrong in them goes wrong (O1) (threats 5, 14, 18, 26)", async () => {
    const report = await simulate({ seeds, from, profile });
    expect(report.failures.map(describeFailure)).toEqual([]);
    expect(report.worlds).toBe(seeds);
    expect(report.counts.run["sagas"]).toBeGreaterThan(seeds);
    const { faults } = report.counts;
    for (const trouble of troubles[profile] ?? []) expect(Object.keys(faults)).toContain(trouble);
  });
});

test("the same seed gives the same trace, and another one another", async () => {
  const hashes: string[] = [];
  for (let seed = from; seed < from + Math.max(3, seeds / 2); seed++) {
    const program = programOf(`${seed}`, "mixed");
    const [once, again] = [await runProgram(program), await runProgram(program)];
    expect(again.hash, `seed ${seed}`).toBe(once.hash);
    hashes.push(once.hash);
  }
  expect(new Set(hashes).size).toBe(hashes.length);
});
