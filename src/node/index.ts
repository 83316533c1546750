/** What needs Node: a space on disk, and homes, which hold an identity's secret beside its space. */

export {
  type ReachedLimit,
  type ReceiverServer,
  type Refusal,
  type ServeOptions,
  type ServerEvent,
  type ServerLimits,
  serve,
  serverLimits,
  type TrustProxy,
} from "../server/index.js";
export { type LmdbSpaceOptions, openLmdbSpace, openSpaceOn } from "../space/lmdb-space.js";
export {
  type CreateHomeOptions,
  createHome,
  type Home,
  homeAddress,
  type NewHome,
  type OpenHomeOptions,
  openHome,
  openHomeStore,
} from "./home.js";
export { holdsDeviceSecret } from "./device-secret.js";
export { isStoreFile, type OwnDirectory, ownDirectory } from "./own-files.js";
export { formatRecoverySecret, parseRecoverySecret } from "./recovery-secret.js";
export { checkHome, verifyHome } from "./verify-home.js";
