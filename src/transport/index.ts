/** Connections that move messages in order, in memory or over WebSocket. Knows only bytes. Runs in Node and browsers. */

export { createInnerspace, type Innerspace, type InnerspacePair, innerspacePair } from "./innerspace.js";
export { type TransportLimits, type TransportOptions, transportLimits } from "./limits.js";
export { networkOf } from "./network.js";
export type { Connection, ConnectionHandlers, Dial, Message } from "./transport.js";
export { dialWebSocket, subprotocol, type TlsOptions, type WebSocketDialOptions } from "./websocket.js";
