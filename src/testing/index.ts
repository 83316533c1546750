/** For tests of apps that embed keysaga: whole worlds of real peers in memory, with seeded keys. */

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
