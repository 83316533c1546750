/** The WebSocket transport of this platform: `ws` on Node, the page's own elsewhere, chosen by the `#websocket` import. */
export { dialWebSocket } from "#websocket";
export { subprotocol, type TlsOptions, type WebSocketDialOptions } from "./websocket-options.js";
