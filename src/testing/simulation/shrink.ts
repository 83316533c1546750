import type { Program, Step } from "./program.js";
import type { Outcome } from "./run-program.js";

/** The program with only some of its steps, by their places in it; each at the moment it had before. */
export function onlySteps(program: Program, kept: readonly number[]): Program {
  const due = dueTimes(program.steps);
  let last = 0;
  const steps = [...kept]
    .sort((a, b) => a - b)
    .flatMap((at): Step[] => {
      const step = program.steps[at];
      if (step === undefined) return [];
      const gap = (due[at] ?? 0) - last;
      last = due[at] ?? 0;
      return [{ ...step, gap }];
    });
  return { ...program, steps };
}

/** A program that fails, with what it does not take to fail left out. */
export interface Shrunk {
  readonly program: Program;
  /** Which steps of the seed's own program are left. */
  readonly kept: readonly number[];
  readonly outcome: Outcome;
}

/**
 * Leaves out steps as long as the same invariant breaks: halves first, then quarters, down to single steps, until none
 * can go. Deterministic.
 */
export async function shrink(
  program: Program,
  failed: Outcome,
  run: (program: Program) => Promise<Outcome>,
): Promise<Shrunk> {
  const rule = failed.violations[0]?.rule;
  let best: Shrunk = { program, kept: [...program.steps.keys()], outcome: failed };
  for (let size = Math.ceil(best.kept.length / 2); size >= 1; ) {
    const smaller = await firstThatFails(partsLeftOut(best.kept, size), async (kept) => {
      const tried = onlySteps(program, kept);
      const outcome = await run(tried);
      const fails = outcome.violations[0]?.rule === rule;
      return fails ? { program: tried, kept, outcome } : undefined;
    });
    if (smaller) best = smaller;
    else size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return best;
}

function partsLeftOut(kept: readonly number[], size: number): readonly (readonly number[])[] {
  const parts: (readonly number[])[] = [];
  for (let from = 0; from < kept.length; from += size) parts.push(kept.toSpliced(from, size));
  return parts;
}

async function firstThatFails<Tried, Failing>(
  all: readonly Tried[],
  fails: (one: Tried) => Promise<Failing | undefined>,
): Promise<Failing | undefined> {
  for (const one of all) {
    const failing = await fails(one);
    if (failing) return failing;
  }
  return undefined;
}

function dueTimes(steps: readonly Step[]): readonly number[] {
  let now = 0;
  return steps.map(({ gap }) => {
    now += gap;
    return now;
  });
}
