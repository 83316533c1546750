/** A receiver as a server: HTTP, health, and limits on who may hold a connection. */
export type { ReachedLimit } from "./doorkeeper.js";
export { type ServerLimits, serverLimits } from "./limits.js";
export type { TrustProxy } from "./proxies.js";
export {
  type ReceiverServer,
  type Refusal,
  type ServeOptions,
  type ServerEvent,
  serve,
} from "./server.js";
