/**
 * Signs one frame about TARGET, with the same key each time, and kills itself with -9.
 *
 *     sign.ts TARGET
 */
import { argv, pid } from "node:process";
import { sealRecord } from "../../src/ibgib/index.js";
import { foundLane, nextFrame, signFrame, startReplay } from "../../src/keystone/index.js";

const [target = ""] = argv.slice(2);
const secret = new Uint8Array(32).fill(3);
const somebody = sealRecord({ ib: "somebody", data: { a: 1 } }).address;
const names = { delegator: somebody, receiver: somebody };
const state = startReplay(
  foundLane(secret, names, () => secret),
  "lane",
);
signFrame(
  nextFrame(state, { verb: "vouch", target, scope: somebody }, () => secret),
  state,
  () => secret,
);
process.kill(pid, "SIGKILL");
