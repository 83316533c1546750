import type { ProfileName } from "./profiles.js";
import { type Program, programOf } from "./program.js";
import { type Outcome, runProgram } from "./run-program.js";
import { onlySteps, type Shrunk, shrink } from "./shrink.js";
import type { Violation } from "./trace.js";
import type { RunSettings } from "./world.js";

/** Which worlds to run, and with what in them. */
export interface SimulateOptions extends Omit<RunSettings, "hear"> {
  /** How many worlds; 100 where it is left out. */
  readonly seeds?: number;
  /** The first seed; the others follow by number. Default: 1. */
  readonly from?: number;
  /** What goes wrong in them. Default: `mixed`. */
  readonly profile?: ProfileName;
  /** Only these steps of each world, by number, as a failed world names them. */
  readonly steps?: readonly number[];
  /** Told after each world. */
  readonly onWorld?: (seed: number, outcome: Outcome) => void;
}

/** A world in which an invariant broke. */
export interface FailedWorld {
  readonly seed: number;
  readonly profile: ProfileName;
  readonly violation: Violation;
  /** The steps that it takes, as it was before and by their numbers, and what happened in that smaller world. */
  readonly smallest: Shrunk;
}

/** Counts by name, over all worlds. */
export type Counts = Outcome["counts"];

export interface SimulationReport {
  readonly worlds: number;
  readonly failures: readonly FailedWorld[];
  readonly counts: Counts;
  /** Milliseconds that went by in all worlds together. */
  readonly simulatedMs: number;
}

/** Failures that are made smaller; each takes some dozens of runs. */
const shrunkMax = 3;

/**
 * Runs worlds of real peers on simulated machines: sagas, edits and shares in the middle of lost connections, crashes,
 * failing disks, jumping clocks, restored backups and peers that mean harm, each chosen by the world's seed. Nothing real
 * is waited for: a world of minutes takes some hundred milliseconds. After each step, and when the faults are over, the
 * invariants of docs/testing.md are checked.
 *
 * The same seed, profile and version give the same world. Run one simulation at a time: a promise that rejects unheard
 * counts against the world that runs.
 */
export async function simulate(options: SimulateOptions = {}): Promise<SimulationReport> {
  const { seeds = 100, from = 1, profile = "mixed", steps, onWorld, ...settings } = options;
  const failures: FailedWorld[] = [];
  const outcomes: Outcome[] = [];
  const run = (program: Program) => runProgram(program, settings);
  for (let seed = from; seed < from + seeds; seed++) {
    const whole = programOf(String(seed), profile);
    const program = steps ? onlySteps(whole, steps) : whole;
    const outcome = await run(program);
    outcomes.push(outcome);
    onWorld?.(seed, outcome);
    const [violation] = outcome.violations;
    if (violation === undefined || failures.length >= shrunkMax) continue;
    failures.push({ seed, profile, violation, smallest: await shrink(program, outcome, run) });
  }
  return {
    worlds: outcomes.length,
    failures,
    counts: sumOf(outcomes.map(({ counts }) => counts)),
    simulatedMs: outcomes.reduce((sum, { simulatedMs }) => sum + simulatedMs, 0),
  };
}

/** Adds up counts by name. */
export function sumOf(all: readonly Counts[]): Counts {
  const sum = { run: {}, faults: {}, checks: {}, ended: {} } satisfies Counts;
  for (const counts of all)
    for (const kind of ["run", "faults", "checks", "ended"] as const) add(sum[kind], counts[kind]);
  return sum;
}

function add(sum: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
}

/** What a failed world has to say: what broke, the steps it takes, and how to run just those again. */
export function describeFailure({ seed, profile, violation, smallest }: FailedWorld): string {
  const { kept, program } = smallest;
  return [
    `seed ${seed} (${profile}): ${violation.rule}: ${violation.what}`,
    ...program.steps.map((step, at) => `  step ${kept[at]}: ${JSON.stringify(step)}`),
    `  again: simulate({ profile: "${profile}", from: ${seed}, seeds: 1, steps: [${kept.join(", ")}] })`,
  ].join("\n");
}
