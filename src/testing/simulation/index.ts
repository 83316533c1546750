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
export { type DeedKind, isProfileName, type Profile, type ProfileName, profiles } from "./profiles.js";
export { type Deed, type Program, programOf, type Step } from "./program.js";
export type { Crash } from "./home.js";
export type { ConnectionFault, MessageFault, NetworkFault } from "./meddling.js";
export { type Outcome, runProgram } from "./run-program.js";
export type { RunSettings } from "./world.js";
export { onlySteps, shrink, type Shrunk } from "./shrink.js";
export { Dice } from "./dice.js";
export type { Violation } from "./trace.js";
