/**
 * Runs a receiver that admits by invite, for a home that others have open as well. Prints its URL, then a line for each
 * identity that an invite has let in.
 *
 *     receive.ts HOME AUDIENCE
 */
import { writeSync } from "node:fs";
import { argv } from "node:process";
import { createReceiver } from "../../../src/index.js";
import { openHome, serve } from "../../../src/node/index.js";

const [dir = "", audience = ""] = argv.slice(2);
const { identity } = await openHome({ dir });
const limits = {
  handshakeTimeoutMs: 600_000,
  newIdentitiesPerAddressPerHour: 10_000,
  newIdentitiesPerHour: 10_000,
};
const { url } = await serve({
  host: "127.0.0.1",
  port: 0,
  limits: { unauthenticatedPerAddressMax: 1_000, connectionsPerAddressMax: 1_000 },
  receiver: (at) =>
    createReceiver({ identity, audiences: [at, audience], admission: { kind: "invite" }, limits }),
  log: (told) => {
    if (told.kind === "peer" && told.event.kind === "admitted")
      writeSync(1, `admitted ${told.event.identity}\n`);
  },
});
writeSync(1, `${url}\n`);
