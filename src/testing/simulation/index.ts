/** Worlds of real peers on simulated machines and networks, from a seed: `simulate`, and what it is made of. */

export {
  describeFailure,
  type Counts,
  type FailedWorld,
  simulate,
  type SimulateOptions,
  type SimulationReport,
  sumOf,
} from "./simulate.js";
export { type App, notes } from "./app.js";
export { isProfileName, type ProfileName, profiles } from "./profiles.js";
export { type Program, programOf, type Step } from "./program.js";
export { type Outcome, runProgram, type RunSettings } from "./run-program.js";
export { onlySteps, shrink, type Shrunk } from "./shrink.js";
export { Dice } from "./dice.js";
export type { Violation } from "./trace.js";
