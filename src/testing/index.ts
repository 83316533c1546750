/** For tests of apps that embed keysaga: whole worlds of real peers in memory, with seeded keys; and simulated ones. */

export { type Passing, passOn, type Tap, type TapRule, type TapSide, tapDial } from "./tap.js";
export {
  createWorld,
  innerspaceNetwork,
  type Listening,
  type Network,
  Peer,
  ReceiverPeer,
  SenderPeer,
  seededPlatform,
  type World,
  type WorldOptions,
} from "./world.js";
export {
  type App,
  type Counts,
  describeFailure,
  type Dice,
  type FailedWorld,
  notes,
  type Outcome,
  type ProfileName,
  profiles,
  type Program,
  programOf,
  runProgram,
  type RunSettings,
  type Shrunk,
  shrink,
  simulate,
  type SimulateOptions,
  type SimulationReport,
  type Step,
  type Violation,
} from "./simulation/index.js";
