import { notes } from "./app.js";
import type { Program } from "./program.js";
import { Settling } from "./settle.js";
import type { Violation } from "./trace.js";
import { type RunSettings, World } from "./world.js";

/** What came of one world. */
export interface Outcome {
  readonly violations: readonly Violation[];
  /** The same for the same program, always. */
  readonly hash: string;
  /** Milliseconds of the world's own time. */
  readonly simulatedMs: number;
  readonly counts: {
    readonly run: Readonly<Record<string, number>>;
    readonly faults: Readonly<Record<string, number>>;
    readonly checks: Readonly<Record<string, number>>;
    /** Errors that calls ended in. */
    readonly ended: Readonly<Record<string, number>>;
  };
}

/** Runs one world to its end: its steps, then peace. Deterministic. One at a time: what rejects unheard is its own. */
export async function runProgram(
  program: Program,
  { app = notes, ...settings }: RunSettings = {},
): Promise<Outcome> {
  const world = new World(program, { app, ...settings });
  const onRejection = (reason: unknown) => world.trace.violate("nothing rejects unheard", String(reason));
  process.on("unhandledRejection", onRejection);
  try {
    await world.found();
    await live(world);
    if (world.trace.violations.length === 0) await new Settling(world).run();
  } finally {
    process.off("unhandledRejection", onRejection);
  }
  const { trace, scheduler } = world;
  return {
    violations: trace.violations,
    hash: trace.hash,
    simulatedMs: scheduler.now,
    counts: {
      run: trace.counted("run"),
      faults: trace.counted("fault"),
      checks: trace.counted("check"),
      ended: trace.counted("ended"),
    },
  };
}

async function live(world: World): Promise<void> {
  const { scheduler, trace, program } = world;
  const isBroken = () => trace.violations.length > 0;
  for (const home of world.homes) world.start(home);
  const areOpen = () => world.homes.every((home) => home.open.length > 0);
  await scheduler.run(
    () => areOpen() || isBroken(),
    10_000,
    () => undefined,
  );
  for (const [at, step] of program.steps.entries()) {
    await scheduler.run(isBroken, scheduler.now + step.gap, () => undefined);
    if (isBroken()) return;
    world.act(step, at);
  }
}
